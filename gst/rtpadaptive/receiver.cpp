// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receiver.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cinttypes>
#include <utility>
#include <variant>

GST_DEBUG_CATEGORY_EXTERN(gst_rtp_adaptive_jitter_buffer_debug);
#define GST_CAT_DEFAULT gst_rtp_adaptive_jitter_buffer_debug

namespace onair {

using std::chrono::milliseconds;

namespace {

constexpr Duration kWarningInterval = std::chrono::seconds{1};

const char* to_string(LatencyController::Reason reason) {
  switch (reason) {
    using enum LatencyController::Reason;
    case Start:
      return "the start is over";
    case LateBurst:
      return "a burst came late";
    case HoleOpened:
      return "a missing packet is on its way";
    case Rhythm:
      return "one of a series of regular bursts is due";
    case BurstOver:
      return "the burst is over";
    case MoreLate:
      return "more are late";
    case LessLate:
      return "fewer are late";
    case Bounds:
      return "the bounds have changed";
  }
  return "";
}

const char* to_string(JitterBuffer::Insert outcome) {
  switch (outcome) {
    using enum JitterBuffer::Insert;
    case Queued:
      return "queued";
    case Empty:
      return "it is empty";
    case Duplicate:
      return "it is here already";
    case Late:
      return "later ones went out already";
    case Refused:
      return "it fits nothing";
  }
  return "";
}

// Rounded up.
guint to_ms(Duration latency) {
  return static_cast<guint>(std::chrono::ceil<milliseconds>(latency).count());
}

GstBuffer* to_buffer(JitterBuffer::Token token) {
  return reinterpret_cast<GstBuffer*>(token);
}

}  // namespace

Receiver::Receiver(GstElement* element, GstPad* sink, GstPad* src)
    : element_{element}, sink_{sink}, src_{src} {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  out_segment_ = segment_;
  hand_on_settings();
  announced_latency_ = buffer_.latency();
}

// The pads are gone already.
Receiver::~Receiver() {
  drop_packets();
}

// ---- time

RunningTime Receiver::running_time() const {
  return running_time_now(element_).value_or(RunningTime{});
}

// ---- RTP in

GstFlowReturn Receiver::on_packet(GstPtr<GstBuffer> buffer) {
  auto parsed = parse_rtp(buffer.get());
  if (!parsed) {
    warn_of_invalid("RTP");
    return GST_FLOW_OK;
  }
  JitterBuffer::Packet& packet = parsed->packet;

  Lock lock{mutex_};
  if (flow_ != GST_FLOW_OK)
    return flow_;
  if (got_eos_)
    return GST_FLOW_EOS;
  packet.clock_rate = payload_types_.clock_rate(parsed->payload_type);
  if (packet.clock_rate == 0) {
    packet.clock_rate = find_clock_rate(lock, parsed->payload_type, packet.ssrc);
    if (flow_ != GST_FLOW_OK)
      return flow_;
    if (packet.clock_rate == 0) {
      GST_WARNING_OBJECT(element_, "no clock rate for payload type %u, dropping a packet",
                         parsed->payload_type);
      return GST_FLOW_OK;
    }
  }
  const GstClockTime stamp = GST_BUFFER_DTS_OR_PTS(buffer.get());
  const auto arrival = to_running_time(segment_, stamp);
  packet.arrival = arrival ? *arrival : running_time();
  // A stream without any timestamps has to begin somewhere.
  packet.arrival_known = arrival || is_first_packet_;
  is_first_packet_ = false;
  packet.token = reinterpret_cast<JitterBuffer::Token>(buffer.get());

  const auto ntp = payload_types_.have_ntp_times() ? parse_ntp_time(buffer.get(), payload_types_)
                                                   : std::optional<NtpTime>{};

  const auto overflowed_before = buffer_.stats().overflowed;
  const auto outcome = buffer_.insert(packet);
  if (outcome == JitterBuffer::Insert::Queued)
    (void)buffer.release();
  else
    GST_DEBUG_OBJECT(element_, "dropped #%u: %s", packet.sequence, to_string(outcome));
  for (const auto token : buffer_.discarded())
    gst_buffer_unref(to_buffer(token));

  std::array<GstMessage*, 2> messages{};
  if (settings_.post_drop_messages) {
    if (outcome == JitterBuffer::Insert::Late) {
      ++drops_.too_late;
      messages[0] = drop_message("too-late", packet.sequence, stamp);
    }
    if (const auto dropped = buffer_.stats().overflowed - overflowed_before; dropped > 0) {
      drops_.on_latency += static_cast<guint>(dropped);
      messages[1] = drop_message("drop-on-latency", packet.sequence, stamp);
    }
  }
  if (std::exchange(stream_, buffer_.stream()) != buffer_.stream()) {
    times_.on_new_stream();
    if (const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(sink_)))
      learn_cname(read_cname(caps.get(), packet.ssrc));
  }
  const bool latency_changed = update_latency();
  const bool repost = latency_changed && settings_.report_current_latency;
  const bool belongs = outcome == JitterBuffer::Insert::Queued && !buffer_.is_on_probation();
  if (ntp && belongs)
    tell_sync(lock, times_.take_packet_time(packet, *ntp, buffer_.clock()));
  if (times_.has_news()) {
    tell_sync(lock, times_.take_report(buffer_.clock()));
    if (belongs)
      tell_sync(lock, times_.take_rtp_info(packet.ssrc, buffer_));
  }
  send_requests(lock);
  wake_for_work();
  lock.unlock();

  for (GstMessage* message : messages)
    if (message)
      gst_element_post_message(element_, message);
  if (latency_changed)
    announce_latency(repost);
  return GST_FLOW_OK;
}

// Once a second: whoever sends garbage shall not fill the bus.
void Receiver::warn_of_invalid(const char* what) {
  {
    const Lock lock{mutex_};
    ++invalid_;
    const RunningTime now = running_time();
    if (warned_at_ && now - *warned_at_ < kWarningInterval)
      return;
    warned_at_ = now;
  }
  GST_ELEMENT_WARNING(element_, STREAM, DECODE, (nullptr),
                      ("Received invalid %s payload, dropping", what));
}

// Asks whoever knows. Zero: nobody does.
std::uint32_t Receiver::find_clock_rate(Lock& lock, std::uint8_t payload_type, std::uint32_t ssrc) {
  GstCaps* caps = nullptr;
  lock.unlock();
  g_signal_emit_by_name(element_, "request-pt-map", guint{payload_type}, &caps);
  const auto answer = GstPtr<GstCaps>::adopt(caps);
  lock.lock();
  payload_types_.learn(answer.get(), payload_type);
  learn_cname(read_cname(answer.get(), ssrc));
  // An answer about a payload type need not know of the stream.
  if (const PlayRange range = read_play_range(answer.get()); range != PlayRange{})
    learn_range(range);
  return payload_types_.clock_rate(payload_type);
}

void Receiver::forget_clock_rates() {
  const Lock lock{mutex_};
  payload_types_.clear();
}

// Nothing, while the last message is younger than the interval.
GstMessage* Receiver::drop_message(const char* reason, std::uint16_t sequence,
                                   GstClockTime timestamp) {
  const GstClockTime now = to_gst(running_time());
  if (GST_CLOCK_TIME_IS_VALID(last_drop_message_) &&
      now - last_drop_message_ < settings_.drop_messages_interval_ms * GST_MSECOND)
    return nullptr;
  last_drop_message_ = now;
  return make_drop_message(element_, reason, sequence, timestamp, std::exchange(drops_, {}));
}

// ---- latency and its group

// Streams of one rtpbin and one CNAME belong together without being told.
std::string Receiver::find_group_name() const {
  if (!settings_.group.empty())
    return "group " + settings_.group;
  if (times_.cname().empty())
    return {};
  const auto bin = GstPtr<GstObject>::adopt(gst_object_get_parent(GST_OBJECT(element_)));
  if (!bin || g_strcmp0(G_OBJECT_TYPE_NAME(bin.get()), "GstRtpBin") != 0)
    return {};
  return "rtpbin " + std::to_string(reinterpret_cast<std::uintptr_t>(bin.get())) + " " +
         times_.cname();
}

void Receiver::update_group() {
  auto name = find_group_name();
  if (name == group_name_)
    return;
  group_ = name.empty() ? LatencyGroup{} : LatencyGroup{name};
  buffer_.set_shared_latency(Duration{0});
  group_name_ = std::move(name);
}

// Exchanges latencies with the group. True if the latency has changed by a millisecond.
bool Receiver::update_latency() {
  if (!group_name_.empty()) {
    group_.publish(buffer_.own_latency());
    buffer_.set_shared_latency(group_.largest());
  }
  const Duration latency = buffer_.latency();
  if (const auto change = buffer_.take_latency_change())
    GST_INFO_OBJECT(element_,
                    "latency %.1f -> %.1f ms: %s (%u late packets since the last change, the "
                    "worst took %.1f ms)",
                    in_ms(change->from), in_ms(change->to), to_string(change->why),
                    change->late_packets, in_ms(change->worst));
  if (latency == announced_latency_)
    return false;
  const guint before = to_ms(announced_latency_);
  announced_latency_ = latency;
  return to_ms(latency) != before;
}

void Receiver::announce_latency(bool repost) {
  g_object_notify(G_OBJECT(element_), "current-latency");
  if (repost)
    gst_element_post_message(element_, gst_message_new_latency(GST_OBJECT(element_)));
}

guint Receiver::current_latency_ms() {
  const Lock lock{mutex_};
  return to_ms(buffer_.latency());
}

Duration Receiver::reported_latency() {
  const Lock lock{mutex_};
  return settings_.report_current_latency ? buffer_.latency()
                                          : buffer_.settings().latency.max_latency;
}

// ---- settings and statistics

JitterBufferSettings Receiver::settings() {
  const Lock lock{mutex_};
  return settings_;
}

void Receiver::hand_on_settings() {
  buffer_.set_settings(to_core(settings_));
  const gint most_ahead = settings_.max_rtcp_rtp_time_diff_ms;
  times_.set_settings(
      {.interval = milliseconds{settings_.sync_interval_ms},
       .max_ahead = most_ahead < 0 ? std::optional<Duration>{} : milliseconds{most_ahead}});
  offset_.aim_at(Duration{settings_.ts_offset});
}

void Receiver::apply_settings(Lock& lock) {
  const auto largest_before = buffer_.settings().latency.max_latency;
  hand_on_settings();
  update_group();
  const bool latency_changed = update_latency();
  const bool repost = buffer_.settings().latency.max_latency != largest_before ||
                      (latency_changed && settings_.report_current_latency);
  wait_.wake();
  lock.unlock();
  if (latency_changed || repost)
    announce_latency(repost);
}

GstStructure* Receiver::stats() {
  const Lock lock{mutex_};
  return make_stats(buffer_, invalid_, times_.capture_times());
}

std::optional<GstClockTime> Receiver::position() {
  const Lock lock{mutex_};
  if (!GST_CLOCK_TIME_IS_VALID(last_out_))
    return std::nullopt;
  return last_out_ + to_gst(times_.range().npt_start);
}

// ---- requests for retransmission

Duration Receiver::longest_wait() const {
  return buffer_.settings().retransmission.deadline.value_or(
      buffer_.settings().latency.max_latency);
}

// Makes those that are due: with each packet that comes, and by the task in between.
void Receiver::send_requests(Lock& lock) {
  if (!buffer_.has_requests() || flow_ != GST_FLOW_OK)
    return;
  const RunningTime now = running_time();
  while (const auto request = buffer_.take_request(now)) {
    GstEvent* event = make_request_event(*request, longest_wait());
    GST_DEBUG_OBJECT(element_, "asking again for #%u, %d times before", guint{request->number},
                     request->request.retry);
    lock.unlock();
    gst_pad_push_event(sink_, event);
    lock.lock();
    if (flow_ != GST_FLOW_OK)
      return;
  }
}

// ---- events and queries

void Receiver::learn_caps(const GstCaps* caps) {
  if (!payload_types_.learn(caps))
    GST_DEBUG_OBJECT(element_, "no clock rate in %" GST_PTR_FORMAT, caps);
  learn_range(read_play_range(caps));
  guint ssrc = 0;
  if (gst_structure_get_uint(gst_caps_get_structure(caps, 0), "ssrc", &ssrc))
    learn_cname(read_cname(caps, ssrc));
}

void Receiver::learn_cname(std::string cname) {
  if (times_.learn_cname(std::move(cname)))
    update_group();
}

void Receiver::learn_range(const PlayRange& range) {
  if (times_.learn_range(range))
    buffer_.expect(range);
}

bool Receiver::on_event(GstPtr<GstEvent> event) {
  const Lock lock{mutex_};
  const GstEventType type = GST_EVENT_TYPE(event.get());
  // Sticky events arrive with the next data; EOS has none behind it.
  const bool can_wait = GST_EVENT_IS_STICKY(event.get()) && type != GST_EVENT_EOS;
  if (got_eos_ || (flow_ != GST_FLOW_OK && !can_wait))
    return false;
  if (type == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event.get(), &caps);
    learn_caps(caps);
  } else if (type == GST_EVENT_SEGMENT) {
    gst_event_copy_segment(event.get(), &segment_);
    segment_seqnum_ = gst_event_get_seqnum(event.get());
    if (segment_.format != GST_FORMAT_TIME) {
      gst_segment_init(&segment_, GST_FORMAT_TIME);
      event = GstPtr<GstEvent>::adopt(gst_event_new_segment(&segment_));
      gst_event_set_seqnum(event.get(), segment_seqnum_);
    }
  } else if (type == GST_EVENT_EOS) {
    got_eos_ = true;
    buffer_.drain();
  }
  serialized_.push_back({.behind = buffer_.position(), .event = std::move(event)});
  wait_.wake();
  return true;
}

bool Receiver::on_query(GstQuery* query) {
  Lock lock{mutex_};
  if (flow_ != GST_FLOW_OK)
    return false;
  answer_.reset();
  serialized_.push_back({.behind = buffer_.position(), .query = query});
  wait_.wake();
  // Not before the query has come back: it is the caller's.
  answered_.wait(lock, [&] { return answer_ && !is_asking_; });
  std::erase_if(serialized_, [&](const Serialized& item) { return item.query == query; });
  return *answer_;
}

// ---- RTCP in

GstFlowReturn Receiver::on_rtcp(GstPtr<GstBuffer> buffer) {
  const auto rtcp = parse_rtcp(buffer.get());
  if (rtcp.content == RtcpContent::Invalid) {
    warn_of_invalid("RTCP");
    return GST_FLOW_OK;
  }
  if (rtcp.content == RtcpContent::NoReport)
    return GST_FLOW_OK;
  const auto& report = rtcp.report;
  Lock lock{mutex_};
  learn_cname(report.cname);
  times_.on_report(report, std::move(buffer));
  tell_sync(lock, times_.take_report(buffer_.clock()));
  return GST_FLOW_OK;
}

// The lock is open while the signal is out, as its handler sets ts-offset. Nothing is given out meanwhile: the
// offset is for the packet that told too.
void Receiver::tell_sync(Lock& lock, const StructurePtr& sync) {
  if (!sync)
    return;
  ++telling_;
  lock.unlock();
  g_signal_emit_by_name(element_, "handle-sync", sync.get());
  lock.lock();
  --telling_;
  wait_.wake();
}

// ---- the source pad's task

void Receiver::run() {
  Lock lock{mutex_};
  while (flow_ == GST_FLOW_OK) {
    std::optional<GstFlowReturn> done;
    if (may_deliver()) {
      send_requests(lock);
      if (flow_ != GST_FLOW_OK)
        break;
      done = do_next(lock);
      if (const auto end = done ? std::nullopt : ends_at(); end && *end <= running_time()) {
        end_of_range(lock);
        continue;
      }
    }
    if (!done)
      wait_for_work(lock);
    else if (*done != GST_FLOW_OK && flow_ == GST_FLOW_OK)
      stop_flow(*done);  // upstream hears of it by its next packet
  }
  GST_DEBUG_OBJECT(element_, "pausing: %s", gst_flow_get_name(flow_));
}

// What is to be done now, if anything: one thing at a time, each without the lock.
std::optional<GstFlowReturn> Receiver::do_next(Lock& lock) {
  if (!serialized_.empty() && buffer_.reached(serialized_.front().behind))
    return push_serialized(lock);
  // The clock is not looked at for packets that go out at once.
  RunningTime now = RunningTime::min();
  if (!buffer_.is_ready()) {
    const auto deadline = buffer_.next_deadline();
    if (!deadline)
      return std::nullopt;
    if (*deadline != RunningTime::min())
      now = running_time();
    if (*deadline > now)
      return std::nullopt;
  }
  const auto output = buffer_.take(now);
  if (!output) {
    // It may have swallowed padding, behind which an event waits.
    const bool has_more = !serialized_.empty() && buffer_.reached(serialized_.front().behind);
    return has_more ? std::optional{GST_FLOW_OK} : std::nullopt;
  }
  if (const auto* release = std::get_if<JitterBuffer::Release>(&*output))
    return push_packet(lock, *release);
  push_lost(lock, std::get<JitterBuffer::Lost>(*output));
  return GST_FLOW_OK;
}

GstFlowReturn Receiver::push_packet(Lock& lock, const JitterBuffer::Release& release) {
  auto* buffer = gst_buffer_make_writable(to_buffer(release.token));
  const GstClockTime pts = to_position(out_segment_, release.pts);
  const auto most = static_cast<Duration::rep>(settings_.max_ts_offset_adjustment);
  const bool offset_moved = pts != last_pts_ && offset_.step(Duration{most});
  last_pts_ = pts;
  GST_BUFFER_PTS(buffer) = last_out_ = with_offset(pts);
  GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  if (release.discont)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  if (release.resync || offset_moved)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_RESYNC);
  if (release.resync)
    times_.on_resync();
  if (payload_types_.have_capture_times()) {
    if (const auto ntp = parse_capture_time(buffer, payload_types_)) {
      GST_LOG_OBJECT(element_, "RTP time %" PRId64 " was captured at %" GST_TIME_FORMAT,
                     release.ticks, GST_TIME_ARGS(to_gst(ntp->time_since_epoch())));
      times_.on_capture_time(release, *ntp);
    }
  }
  std::optional<SenderClock::Statement> wall_clock;
  if (settings_.add_reference_timestamp_meta)
    wall_clock = times_.at(release);
  lock.unlock();
  metas_.add_times(buffer, release.ssrc, release.clock_rate, release.media, release.arrival);
  if (wall_clock)
    metas_.add_ntp(buffer, wall_clock->ntp,
                   wall_clock->source == SenderClock::Source::CaptureTime
                       ? RtpMetas::NtpSource::CaptureTime
                       : RtpMetas::NtpSource::Report);
  GST_LOG_OBJECT(element_, "pushing %" GST_PTR_FORMAT, buffer);
  const GstFlowReturn flow = gst_pad_push(src_, buffer);
  lock.lock();
  return flow;
}

void Receiver::push_lost(Lock& lock, const JitterBuffer::Lost& lost) {
  GST_DEBUG_OBJECT(element_, "gave up #%u and %" PRId64 " behind it", lost.sequence,
                   lost.count - 1);
  if (!settings_.do_lost)
    return;
  GstEvent* event = make_lost_event(lost, with_offset(to_position(out_segment_, lost.pts)));
  lock.unlock();
  gst_pad_push_event(src_, event);
  lock.lock();
}

GstFlowReturn Receiver::push_serialized(Lock& lock) {
  Serialized item = std::move(serialized_.front());
  serialized_.pop_front();
  if (item.query) {
    is_asking_ = true;
    lock.unlock();
    const bool answer = gst_pad_peer_query(src_, item.query) != FALSE;
    lock.lock();
    is_asking_ = false;
    answer_ = answer;
    answered_.notify_all();
    return GST_FLOW_OK;
  }
  const bool is_eos = GST_EVENT_TYPE(item.event.get()) == GST_EVENT_EOS;
  if (GST_EVENT_TYPE(item.event.get()) == GST_EVENT_SEGMENT)
    gst_event_copy_segment(item.event.get(), &out_segment_);
  lock.unlock();
  gst_pad_push_event(src_, item.event.release());
  lock.lock();
  return is_eos ? GST_FLOW_EOS : GST_FLOW_OK;
}

std::optional<RunningTime> Receiver::ends_at() const {
  return got_eos_ ? std::nullopt : buffer_.ends_at();
}

// RTSP servers need not say that they have sent all: rtspsrc and others rely on this EOS.
void Receiver::end_of_range(Lock& lock) {
  GST_INFO_OBJECT(element_, "the range has been played and nothing comes any more: EOS");
  auto eos = GstPtr<GstEvent>::adopt(gst_event_new_eos());
  if (segment_seqnum_ != GST_SEQNUM_INVALID)
    gst_event_set_seqnum(eos.get(), segment_seqnum_);
  got_eos_ = true;
  buffer_.drain();
  serialized_.push_back({.behind = buffer_.position(), .event = std::move(eos)});
  lock.unlock();
  g_signal_emit_by_name(element_, "on-npt-stop");
  lock.lock();
}

// When there is something to do next, as far as is known now.
std::optional<RunningTime> Receiver::next_work() const {
  std::optional<RunningTime> next;
  for (const auto& work : {buffer_.next_deadline(), buffer_.next_request_at(), ends_at()})
    if (work && (!next || *work < *next))
      next = work;
  return next;
}

void Receiver::wait_for_work(Lock& lock) {
  const auto work = may_deliver() ? next_work() : std::nullopt;
  waits_until_ = work.value_or(RunningTime::max());
  wait_.wait(lock, element_, work);
  waits_until_ = RunningTime::min();
}

// A packet has come: is it work before what the task waits for?
void Receiver::wake_for_work() {
  if (waits_until_ == RunningTime::min() || !may_deliver())
    return;
  const auto work = buffer_.is_ready() ? std::nullopt : next_work();
  if (buffer_.is_ready() || (work && *work < waits_until_))
    wait_.wake();
}

GstClockTime Receiver::with_offset(GstClockTime position) const {
  const auto known = to_duration(position);
  return known ? to_gst(offset_.apply(*known)) : position;
}

// ---- life

void Receiver::start() {
  const Lock lock{mutex_};
  flow_ = GST_FLOW_OK;
}

void Receiver::stop() {
  const Lock lock{mutex_};
  stop_flow(GST_FLOW_FLUSHING);
}

void Receiver::stop_flow(GstFlowReturn flow) {
  flow_ = flow;
  wait_.wake();
  answer_ = false;
  answered_.notify_all();
}

void Receiver::set_playing(bool is_playing) {
  const Lock lock{mutex_};
  is_playing_ = is_playing;
  wait_.wake();
}

GstClockTime Receiver::set_active(bool is_active, GstClockTime offset) {
  const Lock lock{mutex_};
  if (is_active_ != is_active) {
    is_active_ = is_active;
    offset_.set_paused_for(Duration{static_cast<Duration::rep>(offset)});
    wait_.wake();
  }
  return last_out_;
}

void Receiver::drop_packets() {
  buffer_.clear();
  for (const auto token : buffer_.discarded())
    gst_buffer_unref(to_buffer(token));
}

void Receiver::reset() {
  const Lock lock{mutex_};
  drop_packets();
  serialized_.clear();
  answer_ = false;
  answered_.notify_all();
  got_eos_ = false;
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  out_segment_ = segment_;
  segment_seqnum_ = GST_SEQNUM_INVALID;
  payload_types_.clear();
  if (const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(sink_)))
    learn_caps(caps.get());
  else
    learn_range({});
  is_first_packet_ = true;
  times_.reset();
  last_pts_ = last_out_ = GST_CLOCK_TIME_NONE;
}

}  // namespace onair
