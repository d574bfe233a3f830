// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-hlsorigin
 * @title: hlsorigin
 * @short_description: HTTP origin for live HLS, with blocking reload and parts as they are made
 *
 * Has no pads: serves what sources have, each under a prefix (signal `mount`), from READY on.
 * A source is any object with these two signals:
 *
 * - action `request-resource (target, offset) → GstStructure`: what there is now of `target`, the
 *   path below the prefix with its query (`0.m3u8?_HLS_msn=12`). Called on the origin's thread; it
 *   must not block. The structure is named `hls-resource` and has `status` (uint: 200; 202 for what
 *   is not there yet; 400, 404, 503), `reason` (where it is not 200), `data` (GstBuffer: the bytes
 *   from `offset` on), `complete` (boolean: FALSE while there are more to come), `content-type`,
 *   `cache-control`, `etag` (optional), and for 202 `wait-for` (the name whose change to await) and
 *   `patience` (uint64: the longest wait, in nanoseconds).
 * - `resource-changed (name)`, from any thread: a playlist has a new text, a part has more bytes or is
 *   complete, a resource is gone.
 *
 * A request for what is not there yet waits (blocking playlist reload), and gets 503 when its
 * patience is over. A part that is still being made is sent as it grows. However many ask for the
 * same target, its source is asked once for each change, and all are sent the same memory. Playlists
 * are compressed once for each text, have an ETag, and always come whole; other things in the ranges that
 * are asked for. Error answers may be cached for one second.
 *
 * Anybody who reaches #GstHlsOrigin:address may read what is mounted. With #GstHlsOrigin:tls-certificate it is
 * HTTPS (HTTP/1.1). For more viewers than one thread can serve put a cache such as nginx or Varnish in front; it
 * needs no special rules.
 *
 * Each viewer takes a file descriptor: `ulimit -n` should be a third more than
 * #GstHlsOrigin:max-connections, or fewer are accepted at a time.
 *
 * With #GstHlsOrigin:location an `hlsdirectory` is mounted at "/": the channels of other processes, each of which
 * writes into a folder of its own there. They may be killed and replaced while players wait.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 hlsorigin location=live port=8080
 * ]| Serves what is written into folders of the directory `live`, which need not be there yet.
 * |[
 * gst-launch-1.0 -e hlslivesink name=hls location=live/one location-served=true \
 *   videotestsrc is-live=true ! video/x-raw,format=I420,framerate=30/1 \
 *   ! x264enc tune=zerolatency key-int-max=2147483647 ! h264parse ! queue ! hls.video_0 \
 *   audiotestsrc is-live=true samplesperbuffer=1000 ! audio/x-raw,rate=48000 \
 *   ! lamemp3enc ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! hls.audio_0
 * ]| In the same directory: http://127.0.0.1:8080/one/master.m3u8 can be played.
 *
 * Since: 0.1
 */

#include "gsthlsorigin.h"

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "glue/guarded.hpp"
#include "glue/properties.hpp"
#include "mounts.hpp"
#include "origin.hpp"
#include "resource.hpp"

GST_DEBUG_CATEGORY(gst_hls_origin_debug);
#define GST_CAT_DEFAULT gst_hls_origin_debug

using onair::ControlThread;
using onair::GstPtr;
using onair::Guarded;
using onair::hlsorigin::MountPtr;
using onair::hlsorigin::Mounts;
using onair::hlsorigin::Origin;

namespace {

// What the properties set; the values here are their defaults.
struct Settings {
  std::string address = "0.0.0.0";
  guint port = 8080;
  std::string cors_origin = "*";
  guint max_connections = 10'000;
  guint64 idle_timeout = 60 * GST_SECOND;
  std::string location;
};

constexpr std::array<onair::Property<Settings>, 6> kProperties{{
    {"address", "Address",
     "IP address that HTTP listens on, taken in NULL; 0.0.0.0 or :: for all, 127.0.0.1 for a cache "
     "on this machine only",
     &Settings::address},
    {"port", "Port", "TCP port that HTTP listens on, taken in NULL; 0 takes any free one",
     &Settings::port, 0, 65535},
    {"cors-origin", "CORS origin",
     "Web origin whose pages may read the streams, as https://example.org, or * for all; empty for "
     "pages of the same origin only. Taken in NULL",
     &Settings::cors_origin},
    {"max-connections", "Most connections",
     "Connections at a time, taken in NULL; further ones wait until another ends",
     &Settings::max_connections, 1, G_MAXINT},
    {"idle-timeout", "Idle timeout",
     "Nanoseconds of silence of both sides after which a connection is closed, taken in NULL; it "
     "must "
     "be longer than any wait for a playlist",
     &Settings::idle_timeout, GST_SECOND},
    {"location", "Location",
     "Directory that is mounted at /, with its folders, as the element hlsdirectory serves it; "
     "none: "
     "what is mounted by signal only. Taken in NULL",
     &Settings::location},
}};
// Behind the table: what is no setting, or read-only.
constexpr guint kCurrentPortId = kProperties.size() + 1;
constexpr guint kStatsId = kProperties.size() + 2;
constexpr guint kCertificateId = kProperties.size() + 3;

constexpr guint kTickMs = 100;
constexpr guint kIdleTickMs = 1000;
constexpr std::chrono::seconds kFarewellTime{1};  // for those who do not read even the last answer

// What runs from READY on. Members die in the reverse order: the thread first.
struct Running {
  GstPtr<GstElement> directory;  // if there is a location
  std::unique_ptr<Origin> origin;
  std::unique_ptr<ControlThread> control;
};

struct Private {
  Guarded<Settings> settings;
  Guarded<GstPtr<GTlsCertificate>> certificate;
  Guarded<std::shared_ptr<Running>> running;
  std::shared_ptr<Mounts> mounts = std::make_shared<Mounts>();
};

}  // namespace

struct _GstHlsOrigin {
  GstElement parent;
  Private* priv;
};

#define gst_hls_origin_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstHlsOrigin, gst_hls_origin, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(hlsorigin, "hlsorigin", GST_RANK_NONE, GST_TYPE_HLS_ORIGIN,
                                      GST_DEBUG_CATEGORY_INIT(gst_hls_origin_debug, "hlsorigin", 0,
                                                              "HTTP origin for live HLS"))

static void gst_hls_origin_init(GstHlsOrigin* self) {
  self->priv = new Private;
}

static void gst_hls_origin_finalize(GObject* object) {
  delete GST_HLS_ORIGIN(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

// One that is renewed is another one for connections to come.
static void set_certificate(GstHlsOrigin* self, GstPtr<GTlsCertificate> certificate) {
  self->priv->certificate.set(certificate);
  if (const auto running = self->priv->running.get())
    running->control->post([running, certificate] { running->origin->use(certificate); });
}

static void gst_hls_origin_set_property(GObject* object, guint id, const GValue* value,
                                        GParamSpec*) {
  if (id == kCertificateId)
    return set_certificate(
        GST_HLS_ORIGIN(object),
        GstPtr<GTlsCertificate>::share(static_cast<GTlsCertificate*>(g_value_get_object(value))));
  const auto settings = GST_HLS_ORIGIN(object)->priv->settings.lock();
  onair::set_property(kProperties.at(id - 1), *settings, value);
}

static GstStructure* make_stats(GstHlsOrigin* self) {
  const auto running = self->priv->running.get();
  const auto stats = running ? running->origin->stats() : Origin::Stats{};
  return gst_structure_new("application/x-hls-origin-stats", "connections", G_TYPE_UINT64,
                           stats.connections, "waiting", G_TYPE_UINT64, stats.waiting, "growing",
                           G_TYPE_UINT64, stats.growing, "requests", G_TYPE_UINT64, stats.requests,
                           "bytes", G_TYPE_UINT64, stats.bytes, "not-modified", G_TYPE_UINT64,
                           stats.not_modified, "client-errors", G_TYPE_UINT64, stats.client_errors,
                           "server-errors", G_TYPE_UINT64, stats.server_errors, nullptr);
}

static void gst_hls_origin_get_property(GObject* object, guint id, GValue* value, GParamSpec*) {
  auto* self = GST_HLS_ORIGIN(object);
  if (id == kStatsId) {
    g_value_take_boxed(value, make_stats(self));
  } else if (id == kCurrentPortId) {
    const auto running = self->priv->running.get();
    g_value_set_uint(value, running ? running->origin->port() : 0);
  } else if (id == kCertificateId) {
    g_value_set_object(value, self->priv->certificate.get().get());
  } else {
    onair::get_property(kProperties.at(id - 1), self->priv->settings.get(), value);
  }
}

// Sources bring news on their streaming threads, which only leave a note.
static Mounts::Listener make_listener(const std::shared_ptr<Running>& running) {
  return {.on_changed =
              [running](const MountPtr& mount, const std::string& name) {
                running->control->post([running = running.get(), mount, name] {
                  running->origin->on_changed(mount, name);
                });
              },
          .on_unmounted =
              [running](const MountPtr& mount) {
                running->control->post(
                    [running = running.get(), mount] { running->origin->on_unmounted(mount); });
              }};
}

// It is a part of this element: what it says is said on the same bus.
static GstPtr<GstElement> start_directory(GstHlsOrigin* self, const std::string& location) {
  auto directory = GstPtr<GstElement>::sink(gst_element_factory_make("hlsdirectory", "directory"));
  if (!directory) {
    GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN,
                      ("location needs the element hlsdirectory, which is not there."), (nullptr));
    return {};
  }
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(GST_ELEMENT(self)));
  gst_object_set_parent(GST_OBJECT(directory.get()), GST_OBJECT(self));
  gst_element_set_bus(directory.get(), bus.get());
  g_object_set(directory.get(), "location", location.c_str(), nullptr);
  if (gst_element_set_state(directory.get(), GST_STATE_READY) == GST_STATE_CHANGE_SUCCESS)
    return directory;
  gst_element_set_state(directory.get(), GST_STATE_NULL);
  gst_object_unparent(GST_OBJECT(directory.get()));
  return {};
}

static void stop_directory(Mounts& mounts, GstElement* directory) {
  gst_element_set_state(directory, GST_STATE_NULL);
  gst_object_unparent(GST_OBJECT(directory));
  // An application may have mounted something else there.
  const auto found = mounts.find("/");
  if (found && found->mount->source().get() == G_OBJECT(directory))
    mounts.remove("/");
}

static bool start(GstHlsOrigin* self) {
  const auto settings = self->priv->settings.get();
  auto running = std::make_shared<Running>();
  if (!settings.location.empty()) {
    running->directory = start_directory(self, settings.location);
    if (!running->directory)
      return false;
  }
  running->control = std::make_unique<ControlThread>("hlsorigin");
  running->origin = std::make_unique<Origin>(
      Origin::Config{.acceptor = {.address = settings.address,
                                  .port = settings.port,
                                  .max_connections = settings.max_connections,
                                  .idle_timeout = onair::to_duration(settings.idle_timeout)
                                                      .value_or(onair::Duration::max())},
                     .cors_origin = settings.cors_origin},
      self->priv->mounts);
  auto* origin = running->origin.get();
  std::string error;
  running->control->run([&] {
    origin->use(self->priv->certificate.get());
    error = origin->listen();
    if (!error.empty())
      origin->stop();
  });
  if (!error.empty()) {
    const auto where = settings.address + ":" + std::to_string(settings.port);
    running->control.reset();
    if (running->directory)
      stop_directory(*self->priv->mounts, running->directory.get());
    GST_ELEMENT_ERROR(
        self, RESOURCE, OPEN_READ_WRITE,
        ("Cannot listen on %s: %s. Choose another address or port.", where.c_str(), error.c_str()),
        (nullptr));
    return false;
  }
  running->control->every(kTickMs, [origin] { origin->tick(); });
  running->control->every(kIdleTickMs, [origin] { origin->end_idle(); });
  GST_INFO_OBJECT(self, "listening on %s, port %u", settings.address.c_str(), origin->port());
  self->priv->running.set(running);
  if (running->directory)
    self->priv->mounts->add("/", G_OBJECT(running->directory.get()));
  self->priv->mounts->set_listener(make_listener(running));
  g_object_notify(G_OBJECT(self), "current-port");
  return true;
}

static void stop(GstHlsOrigin* self) {
  const auto running = self->priv->running.get();
  if (!running)
    return;
  self->priv->mounts->set_listener({});
  std::future<void> dismissed;
  running->control->run([&] { dismissed = running->origin->dismiss(); });
  dismissed.wait_for(kFarewellTime);
  running->control->run([&] { running->origin->stop(); });
  self->priv->running.set(nullptr);
  running->control->stop();  // others may still hold it, and what they post is dropped
  if (running->directory)
    stop_directory(*self->priv->mounts, running->directory.get());
}

static GstStateChangeReturn gst_hls_origin_change_state(GstElement* element,
                                                        GstStateChange transition) {
  auto* self = GST_HLS_ORIGIN(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !start(self))
    return GST_STATE_CHANGE_FAILURE;
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    stop(self);
  return result;
}

static void mount(GstHlsOrigin* self, const char* prefix, GObject* source) {
  g_return_if_fail(prefix != nullptr && G_IS_OBJECT(source));
  g_return_if_fail(onair::hlsorigin::is_source(source));
  GST_INFO_OBJECT(self, "%s: %" GST_PTR_FORMAT, prefix, source);
  self->priv->mounts->add(prefix, source);
}

static void unmount(GstHlsOrigin* self, const char* prefix) {
  g_return_if_fail(prefix != nullptr);
  if (self->priv->mounts->remove(prefix))
    GST_INFO_OBJECT(self, "%s is no longer mounted", prefix);
  else
    GST_WARNING_OBJECT(self, "nothing is mounted at %s", prefix);
}

static void install_properties(GObjectClass* klass) {
  onair::install_properties<Settings>(klass, kProperties, G_PARAM_READWRITE);
  const auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(
      klass, kCurrentPortId,
      g_param_spec_uint("current-port", "Current port",
                        "TCP port that HTTP is listening on, 0 while it is not", 0, 65535, 0,
                        read_only));
  g_object_class_install_property(
      klass, kStatsId,
      g_param_spec_boxed("stats", "Statistics",
                         "Structure application/x-hls-origin-stats. Now: connections, waiting "
                         "(requests for what is "
                         "not there yet), growing (answers that are sent as they are made). Since "
                         "READY: requests, "
                         "bytes (of bodies), not-modified, client-errors, server-errors",
                         GST_TYPE_STRUCTURE, read_only));
  g_object_class_install_property(
      klass, kCertificateId,
      g_param_spec_object("tls-certificate", "TLS certificate",
                          "Certificate with its private key: HTTPS, for connections to come; none: "
                          "plain HTTP. In any state",
                          G_TYPE_TLS_CERTIFICATE,
                          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS)));
}

static void gst_hls_origin_class_init(GstHlsOriginClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->finalize = gst_hls_origin_finalize;
  object_class->set_property = gst_hls_origin_set_property;
  object_class->get_property = gst_hls_origin_get_property;
  element_class->change_state = gst_hls_origin_change_state;
  install_properties(object_class);

  const auto flags = static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
  /**
   * GstHlsOrigin::mount:
   * @prefix: where, as "/" or "/channel-1/"
   * @source: an object with the signals `request-resource` and `resource-changed`
   *
   * Serves what the source has under the prefix, in place of what was there before. The longest prefix
   * wins. The source is held weakly: it may go away. From any thread, in any state.
   *
   * Since: 0.1
   */
  g_signal_new_class_handler("mount", G_TYPE_FROM_CLASS(klass), flags, G_CALLBACK(mount), nullptr,
                             nullptr, nullptr, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_OBJECT);
  /**
   * GstHlsOrigin::unmount:
   * @prefix: as it was mounted
   *
   * Serves it no longer. Requests that wait get 503, and what was being sent as it grew is cut off.
   *
   * Since: 0.1
   */
  g_signal_new_class_handler("unmount", G_TYPE_FROM_CLASS(klass), flags, G_CALLBACK(unmount),
                             nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  gst_element_class_set_static_metadata(
      element_class, "HLS origin", "Network/HTTP",
      "Serves live HLS over HTTP, with blocking reload and parts as they are made",
      "the gst-onair developers");
}
