// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/memory_storage.hpp"

#include <algorithm>
#include <utility>

namespace onair {
namespace {

StorageError error_of(std::string_view name, std::string_view attempt, std::errc code) {
  return {std::string{name}, attempt, std::make_error_code(code)};
}

Chunk copy_of(Bytes bytes) {
  auto room = make_room(bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.get());
  const Bytes view{room.get(), bytes.size()};
  return {std::move(room), view};
}

// One piece, however many buffers of a muxer it came in: a server sends it in one go.
Chunk joined(const std::vector<Chunk>& chunks, std::uint64_t size) {
  auto room = make_room(static_cast<std::size_t>(size));
  auto* at = room.get();
  for (const auto& chunk : chunks)
    at = std::copy(chunk.bytes.begin(), chunk.bytes.end(), at);
  const Bytes view{room.get(), static_cast<std::size_t>(size)};
  return {std::move(room), view};
}

std::vector<Chunk> from_offset(const std::vector<Chunk>& chunks, std::uint64_t offset) {
  std::vector<Chunk> wanted;
  for (const auto& chunk : chunks) {
    if (offset < chunk.bytes.size())
      wanted.push_back({chunk.owner, chunk.bytes.subspan(static_cast<std::size_t>(offset))});
    offset -= std::min<std::uint64_t>(offset, chunk.bytes.size());
  }
  return wanted;
}

}  // namespace

MemoryStorage::MemoryStorage(std::uint64_t limit) : limit_{limit} {}

void MemoryStorage::forget(Resources& resources, std::string_view name) {
  const auto found = resources.find(name);
  if (found == resources.end())
    return;
  held_ -= found->second.size;
  resources.erase(found);
}

void MemoryStorage::put(std::string_view name, Resource resource) {
  forget(whole_, name);
  held_ += resource.size;
  whole_.emplace(name, std::move(resource));
}

Storage::Failure MemoryStorage::replace(std::string_view name, Bytes bytes) {
  if (!is_resource_name(name))
    return error_of(name, "name", std::errc::invalid_argument);
  const std::lock_guard lock{mutex_};
  const auto old = whole_.find(name);
  const auto others = held_ - (old == whole_.end() ? 0 : old->second.size);
  if (bytes.size() > limit_ - std::min(limit_, others))
    return error_of(name, "store", std::errc::no_space_on_device);
  put(name, {{copy_of(bytes)}, bytes.size()});
  return std::nullopt;
}

Storage::Failure MemoryStorage::begin(std::string_view name, Kind /*kind*/) {
  if (!is_resource_name(name))
    return error_of(name, "name", std::errc::invalid_argument);
  const std::lock_guard lock{mutex_};
  forget(growing_, name);
  growing_.emplace(name, Resource{});
  return std::nullopt;
}

Storage::Failure MemoryStorage::append(std::string_view name, Bytes bytes) {
  auto chunk = copy_of(bytes);
  const std::lock_guard lock{mutex_};
  const auto found = growing_.find(name);
  if (found == growing_.end())
    return error_of(name, "append to", std::errc::bad_file_descriptor);
  if (bytes.size() > limit_ - std::min(limit_, held_)) {
    forget(growing_, name);
    return error_of(name, "store", std::errc::no_space_on_device);
  }
  found->second.chunks.push_back(std::move(chunk));
  found->second.size += bytes.size();
  held_ += bytes.size();
  return std::nullopt;
}

Storage::Failure MemoryStorage::finish(std::string_view name) {
  Resource resource;
  {
    const std::lock_guard lock{mutex_};
    const auto found = growing_.find(name);
    if (found == growing_.end())
      return error_of(name, "finish", std::errc::bad_file_descriptor);
    resource = found->second;
  }
  // Without the lock: readers need not wait for the copying.
  if (resource.chunks.size() > 1)
    resource.chunks = {joined(resource.chunks, resource.size)};
  const std::lock_guard lock{mutex_};
  forget(growing_, name);
  put(name, std::move(resource));
  return std::nullopt;
}

void MemoryStorage::abandon() {
  const std::lock_guard lock{mutex_};
  while (!growing_.empty())
    forget(growing_, growing_.begin()->first);
}

Storage::Failure MemoryStorage::remove(std::string_view name) {
  const std::lock_guard lock{mutex_};
  forget(growing_, name);
  forget(whole_, name);
  return std::nullopt;
}

std::variant<Content, StorageError> MemoryStorage::read(std::string_view name,
                                                        std::uint64_t offset) const {
  const std::lock_guard lock{mutex_};
  auto found = whole_.find(name);
  const bool is_complete = found != whole_.end();
  if (!is_complete) {
    found = growing_.find(name);
    if (found == growing_.end())
      return error_of(name, "read", std::errc::no_such_file_or_directory);
  }
  const auto& resource = found->second;
  return Content{from_offset(resource.chunks, offset), resource.size, is_complete};
}

std::variant<std::vector<std::string>, StorageError> MemoryStorage::names() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> names;
  for (const auto& [name, resource] : whole_)
    names.push_back(name);
  return names;
}

std::uint64_t MemoryStorage::bytes_held() const {
  const std::lock_guard lock{mutex_};
  return held_;
}

}  // namespace onair
