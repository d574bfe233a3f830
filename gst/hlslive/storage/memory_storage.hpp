// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <limits>
#include <map>
#include <mutex>

#include "storage/storage.hpp"

namespace onair {

// For an origin in the same process. Readers share the bytes with it and with each other, and keep
// what they read for as long as they like, removed or not. Locks inside: call it from any thread.
class MemoryStorage final : public Storage {
 public:
  // Whatever would take more than `limit` bytes fails as on a full disk.
  explicit MemoryStorage(std::uint64_t limit = std::numeric_limits<std::uint64_t>::max());

  [[nodiscard]] Failure replace(std::string_view name, Bytes bytes) override;
  [[nodiscard]] Failure begin(std::string_view name, Kind kind) override;
  [[nodiscard]] Failure append(std::string_view name, Bytes bytes) override;
  [[nodiscard]] Failure finish(std::string_view name) override;
  void abandon() override;
  [[nodiscard]] Failure remove(std::string_view name) override;
  [[nodiscard]] std::variant<Content, StorageError> read(std::string_view name,
                                                         std::uint64_t offset) const override;
  [[nodiscard]] std::variant<std::vector<std::string>, StorageError> names() const override;

  // Of all that is here; what readers alone still hold doesn't count.
  [[nodiscard]] std::uint64_t bytes_held() const;

 private:
  struct Resource {
    std::vector<Chunk> chunks;
    std::uint64_t size = 0;
  };
  using Resources = std::map<std::string, Resource, std::less<>>;

  // These want the lock to be held.
  void forget(Resources& resources, std::string_view name);
  void put(std::string_view name, Resource resource);

  const std::uint64_t limit_;
  mutable std::mutex mutex_;
  Resources whole_;
  Resources growing_;
  std::uint64_t held_ = 0;
};

}  // namespace onair
