// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-hlsdirectory
 * @title: hlsdirectory
 * @short_description: Live HLS that other processes write into a directory, for an HTTP origin
 *
 * Has no pads: a source for `hlsorigin` (which makes one by itself where its property location is set), from
 * READY on. What lies in #GstHlsDirectory:location is `master.m3u8`, `0.m3u8`, `0-1.ts`; what lies in a folder
 * there, one level deep, is `FOLDER/master.m3u8` and so on. So one origin has the channels of many writers,
 * which may be killed and replaced meanwhile: what they have written is there, and whoever waits for a part
 * gets that of the next writer.
 *
 * The kernel tells of what is written (inotify); nothing is polled, and so writers have to be on the same machine:
 * of a network file system it tells what is written here alone. The directory and its folders may come late, go,
 * and be made anew. As `hlslivesink` does, a writer has to rename what is whole into its place.
 *
 * - A media playlist is read for its live edge, and answers `_HLS_msn`, `_HLS_part` and `_HLS_skip` as
 *   `hlslivesink` does, if it says CAN-BLOCK-RELOAD and CAN-SKIP-UNTIL. One that cannot be read is served as it
 *   is.
 * - The part that EXT-X-PRELOAD-HINT names is waited for, and comes when it is whole; so do the first
 *   playlists in a folder in which `hlslivesink` writes its first segment.
 * - Any other file is there or not (404), and may be cached for ever, as no name is used twice. With caches in
 *   front, a folder that was deleted should come again under another name.
 * - No link is followed, and no file longer than 256 MiB is served.
 *
 * For players to wait for parts, writers have to publish them: `hlslivesink location-served=true`.
 *
 * Since: 0.1
 */

#include "gsthlsdirectory.h"

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <glib-unix.h>

#include "directory_source.hpp"
#include "glue/control_thread.hpp"
#include "glue/guarded.hpp"
#include "glue/properties.hpp"

GST_DEBUG_CATEGORY_STATIC(gst_hls_directory_debug);
#define GST_CAT_DEFAULT gst_hls_directory_debug

using onair::ControlThread;
using onair::DirectorySource;
using onair::DirectoryWatch;
using onair::Guarded;

namespace {

// What the properties set; the values here are their defaults.
struct Settings {
  std::string location;
  guint64 cache_size = 128U << 20U;
};

constexpr std::array<onair::Property<Settings>, 2> kProperties{{
    {"location", "Location",
     "Directory that is served, and its folders; it need not be there yet. Taken in NULL",
     &Settings::location},
    {"cache-size", "Cache size",
     "Bytes of segments that are kept in memory, where readers share them; each is read once while "
     "it is there. Taken in NULL",
     &Settings::cache_size},
}};
constexpr guint kStatsId = kProperties.size() + 1;

enum { SIGNAL_REQUEST_RESOURCE, SIGNAL_RESOURCE_CHANGED, LAST_SIGNAL };
guint signals[LAST_SIGNAL];

// What runs from READY on. Members die in the reverse order: the thread first.
struct Running {
  std::shared_ptr<DirectorySource> source;
  std::unique_ptr<DirectoryWatch> watch;  // the control thread's
  std::unique_ptr<ControlThread> control;
};

struct Private {
  Guarded<Settings> settings;
  Guarded<std::shared_ptr<DirectorySource>> source;
  std::unique_ptr<Running> running;  // of state changes
};

}  // namespace

struct _GstHlsDirectory {
  GstElement parent;
  Private* priv;
};

#define gst_hls_directory_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstHlsDirectory, gst_hls_directory, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(
    hlsdirectory, "hlsdirectory", GST_RANK_NONE, GST_TYPE_HLS_DIRECTORY,
    GST_DEBUG_CATEGORY_INIT(gst_hls_directory_debug, "hlsdirectory", 0, "live HLS in a directory"))

static void gst_hls_directory_init(GstHlsDirectory* self) {
  self->priv = new Private;
}

static void gst_hls_directory_finalize(GObject* object) noexcept {
  delete GST_HLS_DIRECTORY(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

// ---- what runs

// On the control thread.
static void take_news(GstHlsDirectory* self, Running& running) {
  const auto changes = running.watch->take();
  for (const auto& problem : running.watch->take_problems())
    GST_ELEMENT_WARNING(self, RESOURCE, OPEN_READ, ("%s", to_text(problem).c_str()),
                        ("players wait there until their patience is over"));
  for (const auto& name : running.source->take_in(changes)) {
    GST_LOG_OBJECT(self, "%s has changed", name.c_str());
    g_signal_emit(self, signals[SIGNAL_RESOURCE_CHANGED], 0, name.c_str());
  }
}

struct Listening {
  GstHlsDirectory* self;
  Running* running;
};

static void listen(GstHlsDirectory* self, Running& running) {
  GSource* source = g_unix_fd_source_new(running.watch->descriptor(), G_IO_IN);
  const GUnixFDSourceFunc on_news = [](gint, GIOCondition, gpointer data) -> gboolean {
    const auto* listening = static_cast<Listening*>(data);
    take_news(listening->self, *listening->running);
    return G_SOURCE_CONTINUE;
  };
  g_source_set_callback(source, G_SOURCE_FUNC(on_news), new Listening{self, &running},
                        [](gpointer data) { delete static_cast<Listening*>(data); });
  g_source_attach(source, g_main_context_get_thread_default());
  g_source_unref(source);
  take_news(self, running);
}

static bool start(GstHlsDirectory* self) {
  const auto settings = self->priv->settings.get();
  if (settings.location.empty()) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("hlsdirectory needs a location."), (nullptr));
    return false;
  }
  std::error_code code;
  const auto location = std::filesystem::absolute(settings.location, code);
  if (code) {
    GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ,
                      ("%s: %s", settings.location.c_str(), code.message().c_str()), (nullptr));
    return false;
  }
  auto running = std::make_unique<Running>();
  running->watch = std::make_unique<DirectoryWatch>(location);
  if (const auto failure = running->watch->begin()) {
    GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", to_text(*failure).c_str()), (nullptr));
    return false;
  }
  running->source = std::make_shared<DirectorySource>(
      DirectorySource::Config{.location = location, .cache_size = settings.cache_size});
  running->control = std::make_unique<ControlThread>("hlsdirectory");
  self->priv->source.set(running->source);
  running->control->run([self, its = running.get()] { listen(self, *its); });
  self->priv->running = std::move(running);
  GST_INFO_OBJECT(self, "serves %s", location.c_str());
  return true;
}

static void stop(GstHlsDirectory* self) {
  self->priv->source.set(nullptr);
  self->priv->running.reset();
}

static GstStateChangeReturn gst_hls_directory_change_state(GstElement* element,
                                                           GstStateChange transition) noexcept {
  auto* self = GST_HLS_DIRECTORY(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !start(self))
    return GST_STATE_CHANGE_FAILURE;
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    stop(self);
  return result;
}

static GstStructure* gst_hls_directory_request_resource(GstHlsDirectory* self, const gchar* target,
                                                        guint64 offset) noexcept {
  const auto source = self->priv->source.get();
  return (source ? source->request(target ? target : "", offset)
                 : onair::answer_unavailable("not started"))
      .release();
}

// ---- properties

static GstStructure* make_stats(GstHlsDirectory* self) {
  const auto source = self->priv->source.get();
  const auto stats = source ? source->stats() : DirectorySource::Stats{};
  return gst_structure_new("application/x-hls-directory-stats", "requests", G_TYPE_UINT64,
                           static_cast<guint64>(stats.requests), "reads", G_TYPE_UINT64,
                           static_cast<guint64>(stats.reads), "playlists", G_TYPE_UINT64,
                           static_cast<guint64>(stats.playlists), "cached", G_TYPE_UINT64,
                           static_cast<guint64>(stats.cached), nullptr);
}

static void gst_hls_directory_set_property(GObject* object, guint id, const GValue* value,
                                           GParamSpec*) noexcept {
  const auto settings = GST_HLS_DIRECTORY(object)->priv->settings.lock();
  onair::set_property(kProperties.at(id - 1), *settings, value);
}

static void gst_hls_directory_get_property(GObject* object, guint id, GValue* value,
                                           GParamSpec*) noexcept {
  auto* self = GST_HLS_DIRECTORY(object);
  if (id == kStatsId)
    g_value_take_boxed(value, make_stats(self));
  else
    onair::get_property(kProperties.at(id - 1), self->priv->settings.get(), value);
}

static void gst_hls_directory_class_init(GstHlsDirectoryClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->finalize = gst_hls_directory_finalize;
  object_class->set_property = gst_hls_directory_set_property;
  object_class->get_property = gst_hls_directory_get_property;
  element_class->change_state = gst_hls_directory_change_state;
  onair::install_properties<Settings>(object_class, kProperties, G_PARAM_READWRITE);
  g_object_class_install_property(
      object_class, kStatsId,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Structure application/x-hls-directory-stats. Since READY: requests, reads (of files). "
          "Now: playlists (that are there), cached (bytes of segments)",
          GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

  /**
   * GstHlsDirectory::request-resource:
   * @target: what a player asks for, without the leading slash, with its query
   * @offset: from which byte on
   *
   * For an HTTP server: as #GstHlsLiveSink::request-resource, of the files as they are now.
   *
   * Since: 0.1
   */
  signals[SIGNAL_REQUEST_RESOURCE] =
      g_signal_new_class_handler("request-resource", GST_TYPE_HLS_DIRECTORY,
                                 static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                                 G_CALLBACK(gst_hls_directory_request_resource), nullptr, nullptr,
                                 nullptr, GST_TYPE_STRUCTURE, 2, G_TYPE_STRING, G_TYPE_UINT64);
  /**
   * GstHlsDirectory::resource-changed:
   * @name: of a playlist or file, with its folder
   *
   * It is there, is another one, or is gone. Emitted from a thread of the element's own.
   *
   * Since: 0.1
   */
  signals[SIGNAL_RESOURCE_CHANGED] =
      g_signal_new("resource-changed", GST_TYPE_HLS_DIRECTORY, G_SIGNAL_RUN_LAST, 0, nullptr,
                   nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);

  gst_element_class_set_static_metadata(
      element_class, "HLS directory", "Network/HTTP",
      "Has live HLS that other processes write into a directory, for hlsorigin to serve",
      "The gst-onair developers");
}
