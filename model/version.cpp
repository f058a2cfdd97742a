#include "model/version.hpp"

namespace bourse {

const char kVersion[] = "0.1.0";

}  // namespace bourse
