// SPDX-License-Identifier: LGPL-2.1-or-later
#include "allocation_count.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

// A program may define malloc for itself and all its libraries; glibc's own remain reachable under
// these names (glibc manual, "Replacing malloc").
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace onair::benchmark {
namespace {

std::atomic<std::uint64_t> count;

}  // namespace

std::uint64_t allocation_count() {
  return count.load();
}

}  // namespace onair::benchmark

#define ONAIR_EXPORT extern "C" __attribute__((visibility("default")))

ONAIR_EXPORT void* malloc(std::size_t size) {
  onair::benchmark::count.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}

ONAIR_EXPORT void* calloc(std::size_t members, std::size_t size) {
  onair::benchmark::count.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(members, size);
}

ONAIR_EXPORT void* realloc(void* memory, std::size_t size) {
  onair::benchmark::count.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}

ONAIR_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) {
  onair::benchmark::count.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}

ONAIR_EXPORT void* memalign(std::size_t alignment, std::size_t size) {
  return aligned_alloc(alignment, size);
}

ONAIR_EXPORT int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  *memory = aligned_alloc(alignment, size);
  return *memory ? 0 : ENOMEM;
}
