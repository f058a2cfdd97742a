// Overloaded: several lambdas as one, to visit a variant with one for each alternative.
#pragma once

namespace bourse {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace bourse
