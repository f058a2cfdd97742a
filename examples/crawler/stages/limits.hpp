// How much each stage's stream may hold, in one place: the windows bound the pages in flight, and a
// client must use the limits of the worker it talks to.
#pragma once

#include "executors/batch/batch_stream.hpp"

namespace bourse::crawler {

// Orders are small; those whose pages are still with extract or store count as held.
inline batch::StreamLimits fetch_limits() {
  return {.window_items = 1'024, .window_bytes = 8u << 20, .max_item_bytes = 4u << 20};
}
// Pages of up to 4 MB and their headers.
inline batch::StreamLimits extract_limits() {
  return {.window_items = 256, .window_bytes = 16u << 20, .max_item_bytes = 6u << 20};
}
// Items, with their pages when WARC is wanted.
inline batch::StreamLimits store_limits() {
  return {.window_items = 1'024, .window_bytes = 16u << 20, .max_item_bytes = 6u << 20};
}

}  // namespace bourse::crawler
