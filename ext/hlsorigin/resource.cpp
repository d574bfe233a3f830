// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resource.hpp"

#include <memory>

#include "glue/gsttime.hpp"

namespace onair::hlsorigin {
namespace {

struct Mapping {
  GstMemory* memory;
  GstMapInfo map;
};

// Bytes that are the memory itself, and keep it mapped while somebody sends them.
BytesPtr share_bytes(GstMemory* memory) {
  auto mapping = std::make_unique<Mapping>();
  if (!gst_memory_map(memory, &mapping->map, GST_MAP_READ))
    return {};
  mapping->memory = gst_memory_ref(memory);
  const auto release = [](gpointer data) {
    const std::unique_ptr<Mapping> owned{static_cast<Mapping*>(data)};
    gst_memory_unmap(owned->memory, &owned->map);
    gst_memory_unref(owned->memory);
  };
  const auto* bytes = mapping->map.data;
  const auto size = mapping->map.size;
  return BytesPtr::adopt(g_bytes_new_with_free_func(bytes, size, release, mapping.release()));
}

std::string text_of(const GstStructure* structure, const char* field) {
  const char* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

std::string quoted(std::string etag) {
  return etag.empty() || etag.ends_with('"') ? etag : "\"" + etag + "\"";
}

bool has_signal(GObject* object, const char* name, GType result, guint parameters) {
  const guint id = g_signal_lookup(name, G_OBJECT_TYPE(object));
  if (id == 0)
    return false;
  GSignalQuery query;
  g_signal_query(id, &query);
  return query.return_type == result && query.n_params == parameters;
}

}  // namespace

bool is_source(GObject* object) {
  return has_signal(object, "request-resource", GST_TYPE_STRUCTURE, 2) &&
         has_signal(object, "resource-changed", G_TYPE_NONE, 1);
}

Resource ask(GObject* source, const std::string& target, guint64 offset) {
  GstStructure* raw = nullptr;
  g_signal_emit_by_name(source, "request-resource", target.c_str(), offset, &raw);
  const StructurePtr structure{raw};
  Resource resource;
  if (!structure || !gst_structure_get_uint(raw, "status", &resource.status)) {
    resource.status = 500;
    resource.reason = "The source gave no answer.";
    return resource;
  }
  resource.reason = text_of(raw, "reason");
  resource.content_type = text_of(raw, "content-type");
  resource.cache_control = text_of(raw, "cache-control");
  resource.etag = quoted(text_of(raw, "etag"));
  resource.wait_for = text_of(raw, "wait-for");
  gboolean is_complete = TRUE;
  gst_structure_get_boolean(raw, "complete", &is_complete);
  resource.is_complete = is_complete == TRUE;
  guint64 patience = 0;
  gst_structure_get_uint64(raw, "patience", &patience);
  resource.patience = to_duration(patience).value_or(Duration::zero());

  const GValue* value = gst_structure_get_value(raw, "data");
  GstBuffer* buffer =
      value && G_VALUE_HOLDS(value, GST_TYPE_BUFFER) ? gst_value_get_buffer(value) : nullptr;
  for (guint i = 0; buffer && i < gst_buffer_n_memory(buffer); ++i) {
    auto bytes = share_bytes(gst_buffer_peek_memory(buffer, i));
    const auto size = bytes ? g_bytes_get_size(bytes.get()) : 0;
    if (size == 0)
      continue;  // libsoup takes an empty chunk for the end
    resource.size += size;
    resource.data.push_back(std::move(bytes));
  }
  return resource;
}

}  // namespace onair::hlsorigin
