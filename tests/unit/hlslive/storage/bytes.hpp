// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <gtest/gtest.h>

#include "storage/storage.hpp"

namespace onair::test {

inline std::string text_of(const Content& content) {
  std::string text;
  for (const auto& chunk : content.chunks)
    text.append(reinterpret_cast<const char*>(chunk.bytes.data()), chunk.bytes.size());
  return text;
}

// All of it; with a failure if there is none.
inline std::string text_in(const Storage& storage, std::string_view name) {
  const auto read = storage.read(name, 0);
  if (const auto* error = std::get_if<StorageError>(&read)) {
    ADD_FAILURE() << to_text(*error);
    return {};
  }
  return text_of(std::get<Content>(read));
}

inline bool is_there(const Storage& storage, std::string_view name) {
  return std::holds_alternative<Content>(storage.read(name, 0));
}

// Nothing, when all went well: EXPECT_EQ(what_failed(...), "").
inline std::string what_failed(const Storage::Failure& failure) {
  return failure ? to_text(*failure) : "";
}

inline std::error_code code_of(const Storage::Failure& failure) {
  return failure ? failure->code : std::error_code{};
}

inline Storage::Failure write_segment(Storage& storage, std::string_view name,
                                      std::string_view text,
                                      Storage::Kind kind = Storage::Kind::Segment) {
  if (auto failure = storage.begin(name, kind))
    return failure;
  if (auto failure = storage.append(name, bytes_of(text)))
    return failure;
  return storage.finish(name);
}

}  // namespace onair::test
