// SPDX-License-Identifier: LGPL-2.1-or-later
#include "channel.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bus_error.hpp"
#include "log.hpp"
#include "messages.hpp"

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GMemory;
using onair::GstPtr;

// How long the first stream waits for the other. One that comes later begins as silence, or as black
// of a size that is not its own. As long as flywheels wait, so that their filler begins with the first.
constexpr guint kStartWaitMs = 2000;
// How long what was received may take to reach the playlist before it is cut off.
constexpr guint kDrainMs = 5000;
// How long the filler of what is resumed may take to be in the playlist, and how often that is looked for.
constexpr unsigned kMostToResumeMs = 8000;
constexpr guint kResumePollMs = 100;
// Without any packet from the publisher: what is late by more is missed, so that viewers do not stand still.
// Mobile networks hand over within less.
constexpr guint64 kSilence = GST_SECOND;
// Of silence, behind kSilence: then another one may have the place, as with takeover-time of one source.
constexpr gint64 kTakeoverUs = G_USEC_PER_SEC;
constexpr const char* kPadMessage = "live-pad-added";
constexpr const char* kAway = "The broadcaster is away and may come back.";
constexpr const char* kNotBack = "The broadcaster has not come back.";

// How long who went without a goodbye may take to come back.
guint hold_ms(const Settings& settings) {
  return static_cast<guint>(std::llround(settings.hold_seconds * 1000));
}

std::string text_of(const GstStructure* structure, const char* field) {
  const char* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

bool flag_of(const GstStructure* structure, const char* field) {
  gboolean flag = FALSE;
  gst_structure_get_boolean(structure, field, &flag);
  return flag == TRUE;
}

bool is_session(const GstStructure* structure) {
  return gst_structure_has_name(structure, "whip-session") ||
         gst_structure_has_name(structure, "sora-session") ||
         gst_structure_has_name(structure, "rtp-session");
}

// Streaming thread: holds the data until the main thread has built the rest.
void announce_pad(GstElement* source, GstPad* pad, gpointer) {
  const auto hold = [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; };
  const gulong block =
      gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, hold, nullptr, nullptr);
  gst_element_post_message(
      source, gst_message_new_application(
                  GST_OBJECT(source), gst_structure_new(kPadMessage, "pad", GST_TYPE_PAD, pad,
                                                        "block", G_TYPE_ULONG, block, nullptr)));
}

const char* factory_of(Ingest ingest) {
  switch (ingest) {
    case Ingest::Whip:
      return "whiplistensrc";
    case Ingest::Sora:
      return "soralistensrc";
    case Ingest::Rtp:
      break;
  }
  return "rtplistensrc";
}

// One that has no port of its own takes any: whoever has asked for it is told which.
guint wanted_port(Ingest ingest, const Settings& settings) {
  if (ingest != Ingest::Whip)
    return 0;
  return settings.whip_port != 0 ? settings.whip_port : settings.port != 0 ? settings.port + 1 : 0;
}

void set_webrtc(GstElement* source, Ingest ingest, const Settings& settings) {
  g_object_set(source, "address", settings.address.c_str(), "port", wanted_port(ingest, settings),
               "token", settings.token.c_str(), nullptr);
  if (!settings.stun_server.empty())
    g_object_set(source, "stun-server", settings.stun_server.c_str(), nullptr);
  if (settings.max_rtp_port != 0)
    g_object_set(source, "min-rtp-port", settings.min_rtp_port, "max-rtp-port",
                 settings.max_rtp_port, nullptr);
}

void set_rtp(GstElement* source, const std::string& kind,
             const std::optional<RtpRequest::Stream>& stream) {
  const auto set = [&](const char* name, gint value) {
    g_object_set(source, (kind + name).c_str(), value, nullptr);
  };
  set("-port", stream ? static_cast<gint>(stream->port) : -1);
  if (!stream)
    return;
  if (stream->rtcp_port)
    set("-rtcp-port", static_cast<gint>(*stream->rtcp_port));
  if (stream->payload_type)
    set("-payload-type", static_cast<gint>(*stream->payload_type));
  if (stream->ssrc)
    g_object_set(source, (kind + "-ssrc").c_str(), *stream->ssrc, nullptr);
}

void set_rtp(GstElement* source, const Settings& settings, const RtpSockets& sockets) {
  const auto& its = settings.rtp.value_or(RtpRequest{});
  g_object_set(source, "address", settings.rtp_address.c_str(), "source-address", its.from.c_str(),
               nullptr);
  set_rtp(source, "audio", its.audio);
  set_rtp(source, "video", its.video);
  for (const auto& [name, socket] : sockets)
    g_object_set(source, (name + "-socket").c_str(), socket.get(), nullptr);
}

// Null where there is no such element.
GstPtr<GstElement> make_source(Ingest ingest, const Settings& settings, const RtpSockets& sockets) {
  auto source =
      GstPtr<GstElement>::sink(gst_element_factory_make(factory_of(ingest), to_string(ingest)));
  if (!source)
    return source;
  g_object_set(source.get(), "send-eos", TRUE, "silence-time", kSilence, nullptr);
  if (!settings.jitterbuffer.empty())
    g_object_set(source.get(), "jitterbuffer", settings.jitterbuffer.c_str(), nullptr);
  if (ingest == Ingest::Rtp)
    set_rtp(source.get(), settings, sockets);
  else
    set_webrtc(source.get(), ingest, settings);
  g_signal_connect(source.get(), "pad-added", G_CALLBACK(announce_pad), nullptr);
  return source;
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
    case Channel::State::Away:
      return "away";
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

Channel::Channel(Settings settings, std::vector<Ingest> ingests, RtpSockets sockets)
    : settings_{std::move(settings)}, sockets_{std::move(sockets)} {
  for (const auto ingest : ingests)
    sources_.push_back({ingest, {}});
}

Channel::~Channel() {
  if (!pipeline_)
    return;
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  gst_bus_remove_watch(bus.get());
  waiting_.clear();
  broadcast_.reset();
  draining_.reset();
  intake_.reset();
  leaving_.reset();
  output_.reset();
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

std::string Channel::start() {
  // Its own EOS is told as a message: several bins come and go in one pipeline.
  pipeline_ = GstPtr<GstElement>::sink(gst_pipeline_new("channel"));
  g_object_set(pipeline_.get(), "message-forward", TRUE, nullptr);
  for (auto& source : sources_) {
    source.element = make_source(source.ingest, settings_, sockets_);
    if (!source.element)
      return std::string{"The element "} + factory_of(source.ingest) +
             " is not found; start by examples/live.sh, or set GST_PLUGIN_PATH.";
    gst_bin_add(GST_BIN(pipeline_.get()), source.element.get());
  }
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return first_error(pipeline_.get(), "The pipeline does not start.");
  // It takes its time line from a pipeline that plays.
  auto output = Output::create(GST_BIN(pipeline_.get()), settings_);
  if (const auto* why = std::get_if<std::string>(&output))
    return *why;
  output_ = std::get<std::unique_ptr<Output>>(std::move(output));
  gst_bus_add_watch(bus.get(), &Channel::on_bus, this);
  return {};
}

void Channel::resume(bool audio, bool video) {
  using Stream = Broadcast::Stream;
  auto made =
      Broadcast::create(GST_BIN(pipeline_.get()), settings_, *output_,
                        audio ? Stream::Later : Stream::None, video ? Stream::Later : Stream::None);
  if (const auto* why = std::get_if<std::string>(&made)) {
    message_ = *why;
    log_warning("what was on the air does not go on: %s", why->c_str());
    return;
  }
  broadcast_ = std::get<std::unique_ptr<Broadcast>>(std::move(made));
  broadcasts_ += 1;
  resume_polls_ = kMostToResumeMs / kResumePollMs;
  hold();
}

unsigned Channel::whip_port() const {
  return port_of(Ingest::Whip);
}

unsigned Channel::port_of(Ingest ingest) const {
  guint port = 0;
  for (const auto& source : sources_)
    if (source.ingest == ingest && source.element)
      g_object_get(source.element.get(), "current-port", &port, nullptr);
  return port;
}

void Channel::admit(Ingest ingest, std::function<void(unsigned port)> call) {
  const auto is_wanted = [&](const Source& source) {
    return source.ingest == ingest && source.element.get() == publisher_;
  };
  if (!publisher_ || std::any_of(sources_.begin(), sources_.end(), is_wanted))
    return call(port_of(ingest));
  if (silent_since_ == 0 || g_get_monotonic_time() - silent_since_ < kTakeoverUs)
    return call(0);
  log_line("the publisher is silent, and another one takes its place");
  admitted_.push_back([this, ingest, call = std::move(call)] { call(port_of(ingest)); });
  end_session();
}

// Whoever's it is.
void Channel::end_session() {
  for (const auto& source : sources_)
    if (source.element)
      g_signal_emit_by_name(source.element.get(), "end-session");
}

// The last parts are still being written when the publisher is gone.
bool Channel::is_on_air() const {
  return output_->has_segments() && (broadcast_ || draining_ || output_->is_ending());
}

Channel::State Channel::state() const {
  const bool is_silent = broadcast_ && (silent_since_ != 0 || (leaving_ && has_left_silent_));
  const bool is_away = is_held_ || is_silent;
  if (is_on_air())
    return is_away ? State::Away : State::Live;
  // A segment may come of what there is.
  const bool is_under_way =
      leaving_ || draining_ || output_->is_ending() || hold_timer_.is_running();
  return is_under_way ? State::Starting : state_;
}

Channel::Status Channel::status() {
  const auto now = state();
  const auto line = intake_ ? intake_->time_line() : Intake::TimeLine{};
  return {.state = now,
          .broadcasts = broadcasts_,
          .message = now == State::Live ? "On the air."
                     : silent_since_    ? kAway
                                        : message_,
          .streams = streams(line),
          .alignment = line.alignment,
          .output = broadcast_ ? std::optional{output_->figures()} : std::nullopt,
          .renditions = broadcast_ ? broadcast_->encodings()
                                   : std::vector<std::optional<Broadcast::Encoding>>{},
          .is_full = is_full_};
}

std::vector<Channel::Status::Stream> Channel::streams(const Intake::TimeLine& line) {
  std::vector<Status::Stream> streams;
  GstStructure* raw = nullptr;
  if (publisher_)
    g_object_get(publisher_, "stats", &raw, nullptr);
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
    const bool is_audio = status.kind == "audio";
    if (intake_ && broadcast_) {
      status.decoded_ns = intake_->age(is_audio);
      status.encoded_ns = broadcast_->age(is_audio);
      for (auto* age : {&status.decoded_ns, &status.encoded_ns})
        if (*age)
          **age += line.lead_of(is_audio);
    }
    streams.push_back(std::move(status));
  }
  return streams;
}

gboolean Channel::on_bus(GstBus*, GstMessage* message, gpointer self) {
  auto* channel = static_cast<Channel*>(self);
  channel->on_message(message);
  if (channel->on_change_)
    channel->on_change_();
  return G_SOURCE_CONTINUE;
}

void Channel::on_message(GstMessage* message) {
  const GstStructure* structure = gst_message_get_structure(message);
  if (const auto line = line_for(message)) {
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING)
      log_warning("%s", line->c_str());
    else
      log_line("%s", line->c_str());
  }
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR:
      return on_error(message);
    case GST_MESSAGE_APPLICATION:
      if (gst_structure_has_name(structure, kPadMessage))
        on_pad(GST_MESSAGE_SRC(message), structure);
      else if (gst_structure_has_name(structure, Intake::kEndMessage))
        on_intake_end(GST_MESSAGE_SRC(message));
      else if (gst_structure_has_name(structure, Broadcast::kEndMessage) && draining_ &&
               draining_->owns(GST_MESSAGE_SRC(message)) && draining_->on_stream_end())
        end_broadcast("It has ended.");
      return;
    case GST_MESSAGE_ELEMENT:
      if (is_session(structure))
        return on_session(GST_MESSAGE_SRC(message), structure);
      if (gst_structure_has_name(structure, "GstBinForwarded")) {
        GstMessage* raw = nullptr;
        gst_structure_get(structure, "message", GST_TYPE_MESSAGE, &raw, nullptr);
        const auto inner = GstPtr<GstMessage>::adopt(raw);
        if (!inner || GST_MESSAGE_TYPE(raw) != GST_MESSAGE_EOS)
          return;
        if (output_->is_ending() && output_->owns(GST_MESSAGE_SRC(raw)))
          on_output_end();
      } else if (gst_structure_has_name(structure, "hlslivesink-segment")) {
        output_->on_segment(structure);
      } else if (gst_structure_has_name(structure, "hlslivesink-full")) {
        log_warning("the disk quota of %u MB is used up", settings_.disk_quota);
        is_full_ = true;
      }
      return;
    default:
      return;
  }
}

void Channel::on_session(GstObject* source, const GstStructure* session) {
  const auto state = text_of(session, "state");
  if (state == "offered" && publisher_ && GST_OBJECT(publisher_) != source) {
    // Both had been admitted before either was here.
    log_line("another publisher is let go, as one is here");
    g_signal_emit_by_name(source, "end-session");
    return;
  }
  if (state == "offered")
    publisher_ = GST_ELEMENT(source);
  if (GST_OBJECT(publisher_) != source) {
    if (state == "ended" && text_of(session, "reason") != "application")  // that is who was let go
      log_line("no session with a publisher from %s (%s): %s",
               text_of(session, "remote-address").c_str(), text_of(session, "reason").c_str(),
               text_of(session, "detail").c_str());
    return;
  }
  if (state == "offered") {
    expects_audio_ = flag_of(session, "audio");
    expects_video_ = flag_of(session, "video");
    hold_timer_.stop();
    state_ = State::Starting;
    message_ = "A broadcaster is connecting.";
    log_line("publisher from %s connects (%s)", text_of(session, "remote-address").c_str(),
             text_of(session, "user-agent").c_str());
  } else if (state == "connected") {
    if (!broadcast_)
      message_ = "The first segment is being made.";
    log_line("publisher connected");
  } else if (state == "silent") {
    log_line("nothing comes from the publisher");
    silent_since_ = g_get_monotonic_time();
    if (broadcast_)
      broadcast_->hold();
  } else if (state == "resumed") {
    log_line("the publisher is heard again");
    silent_since_ = 0;
  } else if (state == "ended") {
    on_ended(session);
  }
}

void Channel::on_ended(const GstStructure* session) {
  publisher_ = nullptr;
  has_left_silent_ = std::exchange(silent_since_, 0) != 0;
  log_line("publisher gone (%s): %s", text_of(session, "reason").c_str(),
           text_of(session, "detail").c_str());
  waiting_.clear();
  is_due_ = false;
  start_timer_.stop();
  state_ = State::Idle;
  message_ = text_of(session, "detail");
  if (intake_) {
    is_over_ = text_of(session, "reason") == "deleted" || settings_.hold_seconds == 0;
    leave();
  } else if (!leaving_ && !draining_ && !on_stopped_) {
    // It has sent nothing, or its intake broke.
    if (broadcast_)
      hold();
    else if (output_->is_open() && !output_->is_ending())
      wait_for_return();
  }
  for (const auto& call : std::exchange(admitted_, {}))
    call();
  finish_stop();
}

void Channel::on_pad(GstObject* source, const GstStructure* structure) {
  GstPad* raw = nullptr;
  gulong block = 0;
  gst_structure_get(structure, "pad", GST_TYPE_PAD, &raw, "block", G_TYPE_ULONG, &block, nullptr);
  WaitingPad waiting{GstPtr<GstPad>::adopt(raw), block};
  if (GST_OBJECT(publisher_) != source)
    return;  // of one that was let go
  if (intake_) {
    if (intake_->link(waiting.get(), waiting.is_audio()))
      log_line("%s has come", waiting.is_audio() ? "the sound" : "the picture");
    else
      log_line("a stream could not be linked");
    return;
  }
  waiting_.push_back(std::move(waiting));
  const std::size_t expected = (expects_audio_ ? 1u : 0u) + (expects_video_ ? 1u : 0u);
  if (waiting_.size() >= expected)
    begin();
  else if (!start_timer_.is_running())
    start_timer_.start(kStartWaitMs, [this] { begin(); });
}

void Channel::begin() {
  start_timer_.stop();
  is_due_ = leaving_ || draining_ || output_->is_ending();
  if (is_due_)
    return;
  if (broadcast_ && !broadcast_->has_room_for(expects_audio_, expects_video_)) {
    log_line("the publisher sends what the broadcast has not had");
    is_due_ = true;
    return drain();
  }
  hold_timer_.stop();
  resume_timer_.stop();
  is_over_ = false;
  using Stream = Broadcast::Stream;
  Stream audio = expects_audio_ ? Stream::Later : Stream::None;
  Stream video = expects_video_ ? Stream::Later : Stream::None;
  for (const auto& waiting : waiting_)
    (waiting.is_audio() ? audio : video) = Stream::Here;
  const bool goes_on = output_->is_open();
  if (const auto why = build(audio, video); why.empty()) {
    log_line("broadcast %u %s with %s", broadcasts_, goes_on ? "goes on" : "begins",
             audio == Stream::Here && video == Stream::Here ? "sound and picture"
             : audio == Stream::Here                        ? "sound only"
                                                            : "picture only");
  } else {
    message_ = why;
    log_warning("no broadcast: %s", why.c_str());
    end_session();
    if (!broadcast_)
      end_output();
  }
  for (const auto& waiting : waiting_) {
    if (intake_ && !intake_->link(waiting.get(), waiting.is_audio()))
      log_line("a stream could not be linked");
  }
  waiting_.clear();
}

// An intake, and a broadcast where none is on the air; or why not.
std::string Channel::build(Broadcast::Stream audio, Broadcast::Stream video) {
  auto* const pipeline = GST_BIN(pipeline_.get());
  std::unique_ptr<Broadcast> fresh;
  if (!broadcast_) {
    broadcasts_ += output_->is_open() ? 0 : 1;
    auto made = Broadcast::create(pipeline, settings_, *output_, audio, video);
    if (const auto* why = std::get_if<std::string>(&made))
      return *why;
    fresh = std::get<std::unique_ptr<Broadcast>>(std::move(made));
  }
  using Stream = Broadcast::Stream;
  auto made = Intake::create(pipeline, settings_, fresh ? *fresh : *broadcast_,
                             audio != Stream::None, video != Stream::None, fresh ? 0 : lead_);
  if (const auto* why = std::get_if<std::string>(&made))
    return *why;
  intake_ = std::get<std::unique_ptr<Intake>>(std::move(made));
  if (fresh)
    broadcast_ = std::move(fresh);
  is_held_ = false;
  return {};
}

void Channel::on_error(GstMessage* message) {
  GError* raw = nullptr;
  gchar* raw_debug = nullptr;
  gst_message_parse_error(message, &raw, &raw_debug);
  const ErrorPtr error{raw};
  const GMemory<char> debug{raw_debug};
  log_error("%s (%s)", error->message, debug ? debug.get() : "no detail");
  const auto why = std::string{"It broke off: "} + error->message;
  auto* const source = GST_MESSAGE_SRC(message);
  const bool is_output = output_->owns(source);
  if (draining_ && (is_output || draining_->owns(source)))
    return end_broadcast(why);
  const bool is_broadcast = broadcast_ && (is_output || broadcast_->owns(source));
  if (!is_broadcast && leaving_ && leaving_->owns(source)) {
    on_left(why);
  } else if (is_broadcast || intake_) {
    // The endpoint lives on, but this publisher must not believe that it is seen.
    end_session();
    lead_ = intake_ ? intake_->lead() : lead_;
    if (is_broadcast)
      break_off(why);
    intake_.reset();
    state_ = State::Idle;
    message_ = why;
  } else {
    return;
  }
  // The error has left the pipeline with a failed state change, and in such a one the sinks of the
  // next broadcast would never get to PLAYING.
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

// The publisher is gone; its last packets are on their way through its intake. Meanwhile the next publisher
// may come.
void Channel::leave() {
  leaving_ = std::move(intake_);
  leaving_->end_unlinked();
  if (leaving_->has_ended())  // faster than the news of it
    return on_left("It has ended.");
  drain_timer_.start(kDrainMs, [this] {
    // Whatever it is that does not take it.
    break_off("It did not end by itself and is cut off.");
  });
}

void Channel::on_intake_end(GstObject* source) {
  if (intake_ && intake_->owns(source))
    intake_->on_stream_end();
  if (!leaving_ || !leaving_->owns(source))
    return;
  leaving_->on_stream_end();
  if (leaving_->has_ended())
    on_left("It has ended.");
}

void Channel::on_left(const std::string& why) {
  drain_timer_.stop();
  lead_ = leaving_->lead();
  leaving_.reset();
  if (is_over_ || on_stopped_) {
    drain();
  } else {
    log_line("the publisher's streams have ended: %s", why.c_str());
    if (is_due_)
      begin();
    else
      hold();
  }
}

// The picture stands still, in silence, until the publisher is back or the time is over.
void Channel::hold() {
  is_held_ = true;
  broadcast_->hold();
  if (state_ == State::Starting)
    return;  // somebody is on the way
  log_line("waiting %g s for the publisher to come back", settings_.hold_seconds);
  message_ = kAway;
  hold_timer_.start(hold_ms(settings_), [this] {
    is_over_ = true;
    drain();
  });
}

// What has been made of it is on its way to the playlist.
void Channel::drain() {
  hold_timer_.stop();
  // A playlist that somebody else has left is gone on with, and so ended, by who has added something to it.
  if (resume_polls_ > 0 && output_->figures().begun == 0) {
    --resume_polls_;
    return resume_timer_.start(kResumePollMs, [this] {
      if (broadcast_ && !intake_ && !leaving_)
        drain();
    });
  }
  resume_polls_ = 0;
  draining_ = std::move(broadcast_);
  draining_->end();
  drain_timer_.start(kDrainMs,
                     [this] { end_broadcast("It did not end by itself and is cut off."); });
}

void Channel::end_broadcast(const std::string& why) {
  log_line("broadcast %u ends: %s", broadcasts_, why.c_str());
  drain_timer_.stop();
  draining_.reset();
  if (is_over_ || on_stopped_)
    end_output();
  else if (is_due_)
    begin();
  else
    wait_for_return();
}

// Downstream first: who waits for it is let go.
void Channel::break_off(const std::string& why) {
  hold_timer_.stop();
  broadcast_.reset();
  leaving_.reset();
  end_broadcast(why);
}

// Of a broadcast that broke. The next goes on in its playlist.
void Channel::wait_for_return() {
  is_held_ = true;
  message_ = kAway;
  hold_timer_.start(hold_ms(settings_), [this] { end_output(); });
}

// Players stop asking for more. Whatever comes later is another broadcast.
void Channel::end_output() {
  hold_timer_.stop();
  output_->end();
  drain_timer_.start(kDrainMs, [this] { on_output_end(); });
}

void Channel::on_output_end() {
  drain_timer_.stop();
  output_->on_end();
  log_line("the playlist has ended");
  if (message_ == kAway)
    message_ = kNotBack;
  if (is_due_)
    begin();
  finish_stop();
}

void Channel::stop(std::function<void()> done) {
  on_stopped_ = std::move(done);
  end_session();
  finish_stop();
}

// Where nothing is left to wait for.
void Channel::finish_stop() {
  if (!on_stopped_ || state_ != State::Idle || intake_ || leaving_ || draining_ ||
      output_->is_ending())
    return;
  if (broadcast_)
    return drain();
  if (output_->is_open())
    return end_output();
  if (const auto done = std::exchange(on_stopped_, nullptr))
    done();
}

}  // namespace live
