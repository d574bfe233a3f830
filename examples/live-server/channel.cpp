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

// How long the first stream waits for the other. One that comes later begins as silence, or as black
// of a size that is not its own. As long as flywheels wait, so that their filler begins with the first.
constexpr guint kStartWaitMs = 2000;
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

// 20261121-023000 in UTC: sorts by time. No two are the same, as segments are cached for ever.
std::string new_id(const std::string& dir) {
  GDateTime* now = g_date_time_new_now_utc();
  const GMemory<char> text{g_date_time_format(now, "%Y%m%d-%H%M%S")};
  g_date_time_unref(now);
  std::string id = text.get();
  for (int n = 2; g_file_test((dir + "/" + id).c_str(), G_FILE_TEST_EXISTS); ++n)
    id.assign(text.get()).append("-").append(std::to_string(n));
  return id;
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
  draining_.clear();
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

// What a viewer can fetch; until there is something, an earlier broadcast stays where it was.
bool Channel::is_on_air() {
  if (!broadcast_ || !g_file_test(broadcast_->playlist_path().c_str(), G_FILE_TEST_EXISTS))
    return false;
  playlist_path_ = broadcast_->playlist_path();
  return true;
}

Channel::Status Channel::status() {
  // The last segments are still being written when the publisher is gone.
  const bool is_ending = state_ == State::Idle && !draining_.empty();
  const bool is_live = is_on_air() || is_ending;
  return {.state = is_live ? State::Live : state_,
          .broadcasts = broadcasts_,
          .message = is_live ? "On the air." : message_,
          .playlist_path = playlist_path_,
          .streams = streams(),
          .segments = broadcast_ ? std::optional{broadcast_->segments()} : std::nullopt};
}

std::vector<Channel::Status::Stream> Channel::streams() const {
  std::vector<Status::Stream> streams;
  GstStructure* raw = nullptr;
  if (whip_)
    g_object_get(whip_.get(), "stats", &raw, nullptr);
  const onair::StructurePtr stats{raw};
  for (const char* kind : {"audio", "video"}) {
    const GValue* stream = raw ? gst_structure_get_value(raw, kind) : nullptr;
    const GValue* buffer =
        stream ? gst_structure_get_value(gst_value_get_structure(stream), "jitterbuffer") : nullptr;
    if (!buffer)
      continue;
    const GstStructure* figures = gst_value_get_structure(buffer);
    Status::Stream status{.kind = kind};
    guint64 latency = 0;
    gst_structure_get_uint64(figures, "latency", &latency);
    status.buffer_ms = (latency + GST_MSECOND - 1) / GST_MSECOND;
    gst_structure_get_uint64(figures, "num-lost", &status.lost);
    gst_structure_get_uint64(figures, "rtx-success-count", &status.repaired);
    gst_structure_get_uint64(figures, "num-late", &status.late);
    streams.push_back(std::move(status));
  }
  return streams;
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
        if (!inner || GST_MESSAGE_TYPE(raw) != GST_MESSAGE_EOS)
          return;
        for (const auto& broadcast : draining_) {
          if (broadcast->owns(GST_MESSAGE_SRC(raw)))
            return end_broadcast(broadcast.get(), "It has ended.");
        }
      }
      return;
    default:
      return;
  }
}

void Channel::on_session(const GstStructure* session) {
  const auto state = text_of(session, "state");
  if (state == "offered") {
    expects_audio_ = flag_of(session, "audio");
    expects_video_ = flag_of(session, "video");
    state_ = State::Starting;
    ++broadcasts_;
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
    state_ = State::Idle;
    message_ = text_of(session, "detail");
    if (broadcast_)
      drain();
    finish_stop();
  }
}

void Channel::on_pad(const GstStructure* structure) {
  GstPad* raw = nullptr;
  gulong block = 0;
  gst_structure_get(structure, "pad", GST_TYPE_PAD, &raw, "block", G_TYPE_ULONG, &block, nullptr);
  WaitingPad waiting{GstPtr<GstPad>::adopt(raw), block};
  if (broadcast_) {
    if (broadcast_->link(waiting.get(), waiting.is_audio()))
      log_line("%s has come", waiting.is_audio() ? "the sound" : "the picture");
    else
      log_line("a stream could not be linked");
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
  using Stream = Broadcast::Stream;
  Stream audio = expects_audio_ ? Stream::Later : Stream::None;
  Stream video = expects_video_ ? Stream::Later : Stream::None;
  for (const auto& waiting : waiting_)
    (waiting.is_audio() ? audio : video) = Stream::Here;
  auto made =
      Broadcast::create(GST_BIN(pipeline_.get()), settings_, new_id(settings_.dir), audio, video);
  if (auto* broadcast = std::get_if<std::unique_ptr<Broadcast>>(&made)) {
    broadcast_ = std::move(*broadcast);
    log_line("broadcast %s begins with %s", broadcast_->id().c_str(),
             audio == Stream::Here && video == Stream::Here ? "sound and picture"
             : audio == Stream::Here                        ? "sound only"
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
  const auto why = std::string{"It broke off: "} + error->message;
  for (const auto& broadcast : draining_) {
    if (broadcast->owns(GST_MESSAGE_SRC(message)))
      return end_broadcast(broadcast.get(), why);
  }
  if (!broadcast_)
    return;
  // The endpoint lives on, but this publisher must not believe that it is seen.
  g_signal_emit_by_name(whip_.get(), "end-session");
  end_broadcast(broadcast_.get(), why);
  // The error has left the pipeline with a failed state change, and in such a one the sinks of the
  // next broadcast would never get to PLAYING.
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

// The publisher is gone; its last packets and an EOS are on their way through the chain. Meanwhile
// the next publisher may come.
void Channel::drain() {
  is_on_air();  // viewers may not have asked since its first segment
  broadcast_->end_unlinked();
  draining_.push_back(std::move(broadcast_));
  const auto late = [](gpointer data) -> gboolean {
    auto* self = static_cast<Channel*>(data);
    self->drain_timer_ = 0;
    while (!self->draining_.empty())
      self->end_broadcast(self->draining_.front().get(),
                          "It did not end by itself and is cut off.");
    return G_SOURCE_REMOVE;
  };
  if (drain_timer_)
    g_source_remove(drain_timer_);
  drain_timer_ = g_timeout_add(kDrainMs, late, this);
}

void Channel::end_broadcast(const Broadcast* which, const std::string& why) {
  log_line("broadcast %s ends: %s", which->id().c_str(), why.c_str());
  if (which == broadcast_.get()) {
    is_on_air();  // viewers may not have asked since its first segment
    broadcast_.reset();
    state_ = State::Idle;
    message_ = why;
  } else {
    std::erase_if(draining_, [&](const auto& one) { return one.get() == which; });
  }
  if (draining_.empty() && drain_timer_)
    g_source_remove(std::exchange(drain_timer_, 0));
  finish_stop();
}

void Channel::stop(std::function<void()> done) {
  on_stopped_ = std::move(done);
  g_signal_emit_by_name(whip_.get(), "end-session");
  finish_stop();
}

// Where nothing is left to wait for.
void Channel::finish_stop() {
  if (state_ != State::Idle || broadcast_ || !draining_.empty())
    return;
  if (const auto done = std::exchange(on_stopped_, nullptr))
    done();
}

}  // namespace live
