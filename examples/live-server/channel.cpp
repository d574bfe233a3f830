// SPDX-License-Identifier: LGPL-2.1-or-later
#include "channel.hpp"

#include <utility>

#include <glib/gstdio.h>

#include "log.hpp"

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GMemory;
using onair::GstPtr;

// How long the first stream waits for the other. hlssink2 takes no stream after it has begun.
constexpr guint kStartWaitMs = 3000;
// How long what was received may take to reach the disk before it is cut off.
constexpr guint kDrainMs = 5000;
constexpr const char* kPadMessage = "live-pad-added";

std::string text_of(const GstStructure* structure, const char* field) {
  const char* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

bool flag_of(const GstStructure* structure, const char* field) {
  gboolean flag = FALSE;
  gst_structure_get_boolean(structure, field, &flag);
  return flag == TRUE;
}

// Streaming thread: holds the data until the main thread has built the rest.
void announce_pad(GstElement* whip, GstPad* pad, gpointer) {
  const auto hold = [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; };
  const gulong block =
      gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, hold, nullptr, nullptr);
  gst_element_post_message(
      whip, gst_message_new_application(
                GST_OBJECT(whip), gst_structure_new(kPadMessage, "pad", GST_TYPE_PAD, pad, "block",
                                                    G_TYPE_ULONG, block, nullptr)));
}

// 20261121-023000 in UTC: sorts by time, and no two of a channel are the same.
std::string new_id() {
  GDateTime* now = g_date_time_new_now_utc();
  const GMemory<char> text{g_date_time_format(now, "%Y%m%d-%H%M%S")};
  g_date_time_unref(now);
  return text.get();
}

}  // namespace

const char* to_string(Channel::State state) {
  switch (state) {
    case Channel::State::Idle:
      return "idle";
    case Channel::State::Starting:
      return "starting";
    case Channel::State::Live:
      return "live";
  }
  return "idle";
}

Channel::WaitingPad::~WaitingPad() {
  if (pad_)
    gst_pad_remove_probe(pad_.get(), block_);
}

bool Channel::WaitingPad::is_audio() const {
  const GMemory<char> name{gst_pad_get_name(pad_.get())};
  return g_str_has_prefix(name.get(), "audio");
}

Channel::Channel(Settings settings) : settings_{std::move(settings)} {}

Channel::~Channel() {
  if (start_timer_)
    g_source_remove(start_timer_);
  if (drain_timer_)
    g_source_remove(drain_timer_);
  if (!pipeline_)
    return;
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  gst_bus_remove_watch(bus.get());
  waiting_.clear();
  broadcast_.reset();
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

std::string Channel::start() {
  whip_ = GstPtr<GstElement>::sink(gst_element_factory_make("whiplistensrc", "whip"));
  if (!whip_)
    return "The element whiplistensrc is not found; start by examples/live.sh, or set "
           "GST_PLUGIN_PATH.";
  // Its own EOS is told as a message: several bins come and go in one pipeline.
  pipeline_ = GstPtr<GstElement>::sink(gst_pipeline_new("channel"));
  g_object_set(pipeline_.get(), "message-forward", TRUE, nullptr);
  const guint port = settings_.whip_port != 0 ? settings_.whip_port
                     : settings_.port != 0    ? settings_.port + 1
                                              : 0;
  g_object_set(whip_.get(), "address", settings_.address.c_str(), "port", port, "token",
               settings_.token.c_str(), "send-eos", TRUE, nullptr);
  if (!settings_.stun_server.empty())
    g_object_set(whip_.get(), "stun-server", settings_.stun_server.c_str(), nullptr);
  if (!settings_.jitterbuffer.empty())
    g_object_set(whip_.get(), "jitterbuffer", settings_.jitterbuffer.c_str(), nullptr);
  if (settings_.max_rtp_port != 0)
    g_object_set(whip_.get(), "min-rtp-port", settings_.min_rtp_port, "max-rtp-port",
                 settings_.max_rtp_port, nullptr);
  g_signal_connect(whip_.get(), "pad-added", G_CALLBACK(announce_pad), nullptr);
  gst_bin_add(GST_BIN(pipeline_.get()), whip_.get());

  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    const auto message =
        GstPtr<GstMessage>::adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!message)
      return "The pipeline does not start.";
    GError* raw = nullptr;
    gst_message_parse_error(message.get(), &raw, nullptr);
    const ErrorPtr error{raw};
    return error->message;
  }
  gst_bus_add_watch(bus.get(), &Channel::on_bus, this);
  return {};
}

unsigned Channel::whip_port() const {
  guint port = 0;
  g_object_get(whip_.get(), "current-port", &port, nullptr);
  return port;
}

Channel::Status Channel::status() const {
  const bool has_playlist =
      !playlist_path_.empty() && g_file_test(playlist_path_.c_str(), G_FILE_TEST_EXISTS);
  // On the air is what a viewer can fetch.
  const auto state = state_ == State::Starting && has_playlist ? State::Live : state_;
  return {.state = state,
          .broadcasts = broadcasts_,
          .message = state == State::Live ? "On the air." : message_,
          .playlist_path = playlist_path_,
          .has_playlist = has_playlist};
}

gboolean Channel::on_bus(GstBus*, GstMessage* message, gpointer self) {
  static_cast<Channel*>(self)->on_message(message);
  return G_SOURCE_CONTINUE;
}

void Channel::on_message(GstMessage* message) {
  const GstStructure* structure = gst_message_get_structure(message);
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR:
      return on_error(message);
    case GST_MESSAGE_APPLICATION:
      if (gst_structure_has_name(structure, kPadMessage))
        on_pad(structure);
      return;
    case GST_MESSAGE_ELEMENT:
      if (gst_structure_has_name(structure, "whip-session"))
        return on_session(structure);
      if (gst_structure_has_name(structure, "GstBinForwarded")) {
        GstMessage* raw = nullptr;
        gst_structure_get(structure, "message", GST_TYPE_MESSAGE, &raw, nullptr);
        const auto inner = GstPtr<GstMessage>::adopt(raw);
        if (inner && GST_MESSAGE_TYPE(raw) == GST_MESSAGE_EOS && broadcast_ &&
            broadcast_->owns(GST_MESSAGE_SRC(raw)))
          end_broadcast("The broadcast has ended.");
      }
      return;
    default:
      return;
  }
}

void Channel::on_session(const GstStructure* session) {
  const auto state = text_of(session, "state");
  if (state == "offered") {
    // A publisher that takes over may be here before the last one's packets are through.
    if (broadcast_)
      end_broadcast("Another publisher took over.");
    expects_audio_ = flag_of(session, "audio");
    expects_video_ = flag_of(session, "video");
    state_ = State::Starting;
    ++broadcasts_;
    playlist_path_.clear();
    message_ = "A broadcaster is connecting.";
    log_line("publisher from %s connects (%s)", text_of(session, "remote-address").c_str(),
             text_of(session, "user-agent").c_str());
  } else if (state == "connected") {
    message_ = "The first segment is being made.";
    log_line("publisher connected");
  } else if (state == "ended") {
    log_line("publisher gone (%s): %s", text_of(session, "reason").c_str(),
             text_of(session, "detail").c_str());
    waiting_.clear();
    if (start_timer_)
      g_source_remove(std::exchange(start_timer_, 0));
    if (broadcast_)
      return expect_end();
    state_ = State::Idle;
    message_ = text_of(session, "reason") == "deleted"
                   ? "The broadcaster left before the first picture."
                   : text_of(session, "detail");
    if (on_stopped_)
      finish_stop();
  }
}

void Channel::on_pad(const GstStructure* structure) {
  GstPad* raw = nullptr;
  gulong block = 0;
  gst_structure_get(structure, "pad", GST_TYPE_PAD, &raw, "block", G_TYPE_ULONG, &block, nullptr);
  WaitingPad waiting{GstPtr<GstPad>::adopt(raw), block};
  if (broadcast_) {
    log_line("%s came more than %u s after the other stream and is left out",
             waiting.is_audio() ? "the sound" : "the picture", kStartWaitMs / 1000);
    return;
  }
  waiting_.push_back(std::move(waiting));
  const std::size_t expected = (expects_audio_ ? 1u : 0u) + (expects_video_ ? 1u : 0u);
  if (waiting_.size() >= expected) {
    begin();
  } else if (!start_timer_) {
    const auto late = [](gpointer self) -> gboolean {
      static_cast<Channel*>(self)->start_timer_ = 0;
      static_cast<Channel*>(self)->begin();
      return G_SOURCE_REMOVE;
    };
    start_timer_ = g_timeout_add(kStartWaitMs, late, this);
  }
}

void Channel::begin() {
  if (start_timer_)
    g_source_remove(std::exchange(start_timer_, 0));
  bool has_audio = false;
  bool has_video = false;
  for (const auto& waiting : waiting_)
    (waiting.is_audio() ? has_audio : has_video) = true;
  auto made =
      Broadcast::create(GST_BIN(pipeline_.get()), settings_, new_id(), has_audio, has_video);
  if (auto* broadcast = std::get_if<std::unique_ptr<Broadcast>>(&made)) {
    broadcast_ = std::move(*broadcast);
    playlist_path_ = broadcast_->playlist_path();
    log_line("broadcast %s begins with %s", broadcast_->id().c_str(),
             has_audio && has_video ? "sound and picture"
             : has_audio            ? "sound only"
                                    : "picture only");
  } else {
    log_line("no broadcast: %s", std::get<std::string>(made).c_str());
    message_ = std::get<std::string>(made);
    g_signal_emit_by_name(whip_.get(), "end-session");
  }
  for (const auto& waiting : waiting_) {
    if (broadcast_ && !broadcast_->link(waiting.get(), waiting.is_audio()))
      log_line("a stream could not be linked");
  }
  waiting_.clear();
}

void Channel::on_error(GstMessage* message) {
  GError* raw = nullptr;
  gchar* raw_debug = nullptr;
  gst_message_parse_error(message, &raw, &raw_debug);
  const ErrorPtr error{raw};
  const GMemory<char> debug{raw_debug};
  log_line("error: %s (%s)", error->message, debug ? debug.get() : "no detail");
  if (!broadcast_)
    return;
  // The endpoint lives on, but this publisher must not believe that it is seen.
  g_signal_emit_by_name(whip_.get(), "end-session");
  end_broadcast(std::string{"The broadcast broke off: "} + error->message);
  // The error has left the pipeline with a failed state change, and in such a one the sinks of the
  // next broadcast would never get to PLAYING.
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

// The publisher is gone; its last packets and an EOS are on their way through the chain.
void Channel::expect_end() {
  const auto late = [](gpointer data) -> gboolean {
    auto* self = static_cast<Channel*>(data);
    self->drain_timer_ = 0;
    self->end_broadcast("It did not end by itself and was cut off.");
    return G_SOURCE_REMOVE;
  };
  if (!drain_timer_)
    drain_timer_ = g_timeout_add(kDrainMs, late, this);
}

void Channel::end_broadcast(const std::string& why) {
  if (drain_timer_)
    g_source_remove(std::exchange(drain_timer_, 0));
  log_line("broadcast %s ends: %s", broadcast_->id().c_str(), why.c_str());
  broadcast_.reset();
  state_ = State::Idle;
  message_ = why;
  if (on_stopped_)
    finish_stop();
}

void Channel::stop(std::function<void()> done) {
  on_stopped_ = std::move(done);
  if (state_ == State::Idle && !broadcast_)
    return finish_stop();
  g_signal_emit_by_name(whip_.get(), "end-session");
}

void Channel::finish_stop() {
  if (const auto done = std::exchange(on_stopped_, nullptr))
    done();
}

}  // namespace live
