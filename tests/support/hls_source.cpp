// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hls_source.hpp"

#include <utility>

#include "patience.hpp"

namespace onair::test {
namespace {

GType source_type() {
  const auto init = +[](gpointer klass, gpointer) {
    g_signal_new("request-resource", G_TYPE_FROM_CLASS(klass),
                 static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION), 0, nullptr,
                 nullptr, nullptr, GST_TYPE_STRUCTURE, 2, G_TYPE_STRING, G_TYPE_UINT64);
    g_signal_new("resource-changed", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr,
                 nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  };
  static const GType type =
      g_type_register_static_simple(G_TYPE_OBJECT, "OnairTestHlsSource", sizeof(GObjectClass), init,
                                    sizeof(GObject), nullptr, GTypeFlags{});
  return type;
}

GstPtr<GstBuffer> make_buffer(const std::string& data, bool is_in_pieces) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  const auto add = [&](const std::string& piece) {
    auto* copy = g_memdup2(piece.data(), piece.size());
    gst_buffer_append_memory(buffer.get(),
                             gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, copy, piece.size(), 0,
                                                    piece.size(), copy, g_free));
  };
  const auto half = is_in_pieces ? data.size() / 2 : 0;
  if (is_in_pieces)
    add(data.substr(0, half));
  if (!data.empty())
    add(data.substr(half));
  return buffer;
}

}  // namespace

HlsSource::HlsSource()
    : object_{GstPtr<GObject>::adopt(static_cast<GObject*>(g_object_new(source_type(), nullptr)))} {
  const auto on_request =
      +[](GObject*, const char* target, guint64 offset, gpointer self) -> GstStructure* {
    return static_cast<HlsSource*>(self)->on_request(target, offset);
  };
  g_signal_connect(object_.get(), "request-resource", G_CALLBACK(on_request), this);
}

void HlsSource::set(const std::string& target, Resource resource) {
  const std::lock_guard lock{mutex_};
  auto buffer = make_buffer(resource.data, resource.is_in_pieces);
  entries_[target] = {.resource = std::move(resource), .buffer = std::move(buffer)};
}

void HlsSource::set_playlist(const std::string& target, const std::string& text) {
  set(target, {.data = text,
               .content_type = "application/vnd.apple.mpegurl",
               .cache_control = "max-age=1"});
}

void HlsSource::append(const std::string& target, const std::string& data, bool is_complete) {
  const std::lock_guard lock{mutex_};
  auto& entry = entries_[target];
  entry.resource.data += data;
  entry.resource.is_complete = is_complete;
  entry.buffer = make_buffer(entry.resource.data, entry.resource.is_in_pieces);
}

void HlsSource::change(const std::string& name) {
  g_signal_emit_by_name(object_.get(), "resource-changed", name.c_str());
}

unsigned HlsSource::asked(const std::string& target) {
  const std::lock_guard lock{mutex_};
  return asked_[target];
}

unsigned HlsSource::asked() {
  const std::lock_guard lock{mutex_};
  unsigned sum = 0;
  for (const auto& [target, times] : asked_)
    sum += times;
  return sum;
}

bool HlsSource::wait_until_asked(const std::string& target, unsigned times) {
  std::unique_lock lock{mutex_};
  return was_asked_.wait_for(lock, kPatience, [&] { return asked_[target] >= times; });
}

void HlsSource::change_when_asked(const std::string& target, Resource next,
                                  const std::string& name) {
  const std::lock_guard lock{mutex_};
  pending_ = {.target = target, .next = std::move(next), .name = name};
}

GstStructure* HlsSource::on_request(const std::string& target, guint64 offset) {
  auto* structure = answer(target, offset);
  std::optional<Change> change_now;
  {
    const std::lock_guard lock{mutex_};
    if (pending_ && pending_->target == target)
      change_now = std::exchange(pending_, std::nullopt);
  }
  if (change_now) {
    set(target, change_now->next);
    change(change_now->name);
  }
  return structure;
}

GstStructure* HlsSource::answer(const std::string& target, guint64 offset) {
  const std::lock_guard lock{mutex_};
  ++asked_[target];
  was_asked_.notify_all();
  const auto found = entries_.find(target);
  if (found == entries_.end())
    return gst_structure_new("hls-resource", "status", G_TYPE_UINT, 404, "reason", G_TYPE_STRING,
                             "Nobody knows it.", nullptr);
  const auto& [resource, buffer] = found->second;
  auto* structure = gst_structure_new(
      "hls-resource", "status", G_TYPE_UINT, resource.status, "reason", G_TYPE_STRING,
      resource.reason.c_str(), "complete", G_TYPE_BOOLEAN, resource.is_complete, "content-type",
      G_TYPE_STRING, resource.content_type.c_str(), "cache-control", G_TYPE_STRING,
      resource.cache_control.c_str(), "wait-for", G_TYPE_STRING, resource.wait_for.c_str(),
      "patience", G_TYPE_UINT64, resource.patience, nullptr);
  if (!resource.etag.empty())
    gst_structure_set(structure, "etag", G_TYPE_STRING, resource.etag.c_str(), nullptr);
  const auto size = gst_buffer_get_size(buffer.get());
  if (resource.status == 200 && offset < size) {
    const auto rest = GstPtr<GstBuffer>::adopt(
        gst_buffer_copy_region(buffer.get(), GST_BUFFER_COPY_MEMORY, offset, size - offset));
    gst_structure_set(structure, "data", GST_TYPE_BUFFER, rest.get(), nullptr);
  }
  return structure;
}

}  // namespace onair::test
