// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reply.hpp"

#include <algorithm>
#include <cctype>

namespace onair::hlsorigin {
namespace {

constexpr std::string_view kGzipSuffix = "-gzip\"";

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Takes what stands in front of the next separator.
std::string_view take(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return trim(taken);
}

std::string_view opaque(std::string_view etag) {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}

// "0", "0.", "0.0", "0.00" and "0.000" are refusals, all else is some welcome.
bool is_zero(std::string_view quality) {
  return quality.starts_with('0') && quality.find_first_of("123456789") == std::string_view::npos;
}

// A strong comparison (RFC 9110 section 13.1.5): half of one form must not be joined to another's. We
// tell no modification times, so a date is never right.
bool keeps_range(const Wishes& wishes, std::string_view etag) {
  return wishes.if_range.empty() || (!etag.empty() && wishes.if_range == etag);
}

}  // namespace

bool is_text(std::string_view content_type) {
  const auto type = lower(trim(content_type.substr(0, content_type.find(';'))));
  return type == "application/vnd.apple.mpegurl" || type == "application/x-mpegurl" ||
         type == "audio/mpegurl" || type == "application/json" || type.starts_with("text/");
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<bool> named;
  bool is_any_welcome = false;
  while (!accept_encoding.empty()) {
    auto one = take(accept_encoding, ',');
    const auto coding = lower(take(one, ';'));
    bool is_refused = false;
    while (!one.empty()) {
      auto parameter = take(one, ';');
      if (lower(take(parameter, '=')) == "q")
        is_refused = is_zero(trim(parameter));
    }
    if (coding == "gzip" || coding == "x-gzip")
      named = !is_refused;
    else if (coding == "*")
      is_any_welcome = !is_refused;
  }
  return named.value_or(is_any_welcome);
}

bool lists_etag(std::string_view if_none_match, std::string_view etag) {
  if (etag.empty())
    return false;
  while (!if_none_match.empty()) {
    const auto one = take(if_none_match, ',');
    if (one == "*" || opaque(one) == opaque(etag))
      return true;
  }
  return false;
}

Reply reply_with(const Entity& entity, const Wishes& wishes) {
  const bool is_gzip = entity.gzip_size.has_value();
  const auto size = is_gzip ? *entity.gzip_size : entity.size;
  auto etag = entity.etag;
  if (is_gzip && etag.ends_with('"'))
    etag.replace(etag.size() - 1, 1, kGzipSuffix);

  Reply reply{.status = 200,
              .headers = {{"Cache-Control", entity.cache_control}},
              .body = is_gzip ? Reply::Body::Gzip : Reply::Body::Plain,
              .bytes = {.first = 0, .length = size},
              .text = {}};
  if (!etag.empty())
    reply.headers.emplace_back("ETag", etag);
  if (entity.has_two_forms)
    reply.headers.emplace_back("Vary", "Accept-Encoding");
  if (lists_etag(wishes.if_none_match, etag)) {
    reply.status = 304;
    reply.body = Reply::Body::None;
    return reply;
  }

  if (is_gzip)
    reply.headers.emplace_back("Content-Encoding", "gzip");
  const bool has_ranges = !entity.has_two_forms;
  if (has_ranges)
    reply.headers.emplace_back("Accept-Ranges", "bytes");
  if (has_ranges && !wishes.range.empty() && keeps_range(wishes, etag)) {
    const auto answer = read_range(wishes.range, size);
    if (std::holds_alternative<Unsatisfiable>(answer))
      return problem(416, "The resource has " + std::to_string(size) + " bytes.",
                     {{"Content-Range", "bytes */" + std::to_string(size)}});
    if (const auto* range = std::get_if<ByteRange>(&answer)) {
      reply.status = 206;
      reply.bytes = *range;
      reply.headers.emplace_back("Content-Range",
                                 "bytes " + std::to_string(range->first) + "-" +
                                     std::to_string(range->first + range->length - 1) + "/" +
                                     std::to_string(size));
    }
  }
  reply.headers.emplace_back("Content-Type", entity.content_type);
  return reply;
}

Reply problem(unsigned status, std::string_view reason, Headers more) {
  Reply reply{.status = status,
              .headers = std::move(more),
              .body = Reply::Body::Text,
              .bytes = {.first = 0, .length = reason.size() + 1},
              .text = std::string{reason} + "\n"};
  reply.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  reply.headers.emplace_back("Cache-Control", status >= 500 ? "no-store" : "max-age=1");
  if (status == 503)
    reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

}  // namespace onair::hlsorigin
