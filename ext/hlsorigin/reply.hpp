// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "byte_range.hpp"

namespace onair::hlsorigin {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The headers of a request that decide the form of its reply; empty where absent.
struct Wishes {
  std::string accept_encoding;
  std::string if_none_match;
  std::string if_range;
  std::string range;
};

// A resource that is there as a whole.
struct Entity {
  std::string content_type;
  std::string cache_control;
  std::string etag;  // in quotes; empty: none
  std::uint64_t size = 0;
  bool has_two_forms = false;              // so that caches keep them apart
  std::optional<std::uint64_t> gzip_size;  // if the compressed form may be taken
};

struct Reply {
  enum class Body { None, Plain, Gzip, Text };
  unsigned status = 0;
  Headers headers;
  Body body = Body::None;
  ByteRange bytes;   // of the plain or compressed form; for None, what would have been sent
  std::string text;  // the body of a problem
};

// Text, of which players fetch the same again and again, and which shrinks to a quarter.
[[nodiscard]] bool is_text(std::string_view content_type);
// Whether a form with this content coding is welcome (RFC 9110 section 12.5.3).
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);
// Whether If-None-Match has this tag, compared weakly (section 8.8.3.2): caches weaken tags.
[[nodiscard]] bool lists_etag(std::string_view if_none_match, std::string_view etag);

// 200, 206, 304 or 416. What has two forms comes whole whatever range is asked for (RFC 9110 section 14.2
// lets a server do so): of a playlist that one of Chromium's video elements plays too, hls.js was given as
// much as it had been long when last fetched.
[[nodiscard]] Reply reply_with(const Entity& entity, const Wishes& wishes);
// An error of the client, or one that passes. What is missing now may be there in a second, so that is
// the longest that a cache may remember it.
[[nodiscard]] Reply problem(unsigned status, std::string_view reason, Headers more = {});

}  // namespace onair::hlsorigin
