// SPDX-License-Identifier: LGPL-2.1-or-later
#include "texts.hpp"

#include <gio/gio.h>

namespace onair::hlsorigin {
namespace {

// One piece; a playlist comes as one.
BytesPtr join(const std::vector<BytesPtr>& pieces, std::size_t size) {
  if (pieces.size() == 1)
    return pieces.front();
  auto* array = g_byte_array_sized_new(static_cast<guint>(size));
  for (const auto& piece : pieces) {
    gsize length = 0;
    const auto* data = static_cast<const guint8*>(g_bytes_get_data(piece.get(), &length));
    g_byte_array_append(array, data, static_cast<guint>(length));
  }
  return BytesPtr::adopt(g_byte_array_free_to_bytes(array));
}

std::string hash_of(const BytesPtr& bytes) {
  const GMemory<char> hash{g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, bytes.get())};
  return "\"" + std::string{hash.get()}.substr(0, 16) + "\"";
}

// Null if it does not get shorter.
BytesPtr compress(const BytesPtr& plain) {
  const auto converter = GstPtr<GConverter>::adopt(
      G_CONVERTER(g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1)));
  gsize size = 0;
  const auto* data = g_bytes_get_data(plain.get(), &size);
  GMemory<guint8> packed{static_cast<guint8*>(g_malloc(size + 1))};
  gsize read = 0;
  gsize written = 0;
  const auto result = g_converter_convert(converter.get(), data, size, packed.get(), size,
                                          G_CONVERTER_INPUT_AT_END, &read, &written, nullptr);
  if (result != G_CONVERTER_FINISHED)
    return {};
  return BytesPtr::adopt(g_bytes_new_take(packed.release(), written));
}

}  // namespace

Texts::Text& Texts::remember(const std::string& place, const Resource& resource) {
  if (texts_.size() >= kMost && !texts_.contains(place))
    texts_.clear();
  auto& text = texts_[place];
  auto plain = join(resource.data, resource.size);
  const bool is_known = text.plain && g_bytes_equal(text.plain.get(), plain.get()) &&
                        (resource.etag.empty() || resource.etag == text.etag);
  if (!is_known)
    text = {.plain = plain,
            .etag = resource.etag.empty() ? hash_of(plain) : resource.etag,
            .gzip = {},
            .is_compressed = false};
  return text;
}

const BytesPtr& Texts::gzip(Text& text) {
  if (!text.is_compressed)
    text.gzip = compress(text.plain);
  text.is_compressed = true;
  return text.gzip;
}

}  // namespace onair::hlsorigin
