// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lane.hpp"

#include <algorithm>
#include <utility>

#include "glue/rtp_metas.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_av_aligner_debug);
#define GST_CAT_DEFAULT gst_av_aligner_debug

namespace onair {
namespace {

// Media that may wait for a downstream that does not take it; upstream waits then.
constexpr Duration kMostReady = std::chrono::seconds(2);
// Packets without a new time are many to a frame.
constexpr std::size_t kMostReadyItems = 5000;
constexpr Duration kTimelineInterval = std::chrono::seconds(10);
constexpr std::size_t kMostRepeats = 120;
// Of what a stock jitter buffer held when its input was tapped.
constexpr std::size_t kMostUntapped = 1000;
constexpr const char* kForceKeyUnit = "GstForceKeyUnit";

// The instant that a serialized event speaks of, if it does.
std::optional<RunningTime> time_of(GstEvent* event, const GstSegment& segment) {
  GstClockTime time = GST_CLOCK_TIME_NONE;
  if (gst_event_has_name(event, kForceKeyUnit)) {
    gst_structure_get_uint64(gst_event_get_structure(event), "running-time", &time);
    const auto running = to_duration(time);
    return running ? std::optional{RunningTime{*running}} : std::nullopt;
  }
  if (GST_EVENT_TYPE(event) == GST_EVENT_GAP)
    gst_event_parse_gap(event, &time, nullptr);
  else if (gst_event_has_name(event, "GstRTPPacketLost"))
    gst_structure_get_uint64(gst_event_get_structure(event), "timestamp", &time);
  return to_running_time(segment, time);
}

GstPtr<GstEvent> writable(GstPtr<GstEvent> event) {
  return GstPtr<GstEvent>::adopt(
      GST_EVENT(gst_mini_object_make_writable(GST_MINI_OBJECT(event.release()))));
}

}  // namespace

Lane::Lane(Alignment& alignment, Aligner::Kind kind, GstPtr<GstPad> sink, GstPtr<GstPad> src)
    : PadPair{std::move(sink), std::move(src)}, alignment_{alignment}, kind_{kind} {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  const Lock lock{alignment_.mutex_};
  stream_ = alignment_.aligner_.add_stream(kind);
  alignment_.lanes_.push_back(this);
}

Lane::~Lane() {
  tap_.reset();
  const Lock lock{alignment_.mutex_};
  alignment_.aligner_.remove_stream(stream_);
  std::erase(alignment_.lanes_, this);
}

// ---- in

void Lane::find_tap() {
  const auto place = RtpTap::find_place(sink());
  std::unique_ptr<RtpTap> tap;
  {
    const Lock lock{alignment_.mutex_};
    if (place.get() == (tap_ ? tap_->pad() : nullptr))
      return;
  }
  if (place) {
    GST_INFO_OBJECT(sink(), "takes RTP and arrival times in front of a stock jitter buffer");
    tap = std::make_unique<RtpTap>(place);
  }
  const Lock lock{alignment_.mutex_};
  std::swap(tap, tap_);
}

void Lane::say_fallback() {
  GST_WARNING_OBJECT(sink(),
                     "no RTP times on its buffers: goes by their timestamps and when they come "
                     "here; put rtpadaptivejitterbuffer in front");
  gst_element_post_message(
      alignment_.element_,
      gst_message_new_element(
          GST_OBJECT(alignment_.element_),
          gst_structure_new("avaligner-source", "source", G_TYPE_STRING, "timestamp", "pad",
                            G_TYPE_STRING, GST_OBJECT_NAME(sink()), nullptr)));
}

// What a decoder made up (concealment) has no RTP time, or that of the packet before: it goes on as the
// timestamps do. Where there never were any, the buffer's own are taken for them, and now for the
// arrival; or the timestamp where that is still to come, for in PAUSED nothing else moves the time.
Aligner::Unit Lane::describe(GstBuffer* buffer, std::optional<RunningTime> pts) {
  const auto now = alignment_.now();
  const auto came = std::max(now, pts.value_or(now));
  auto times = read_rtp_times(buffer);
  if (times && !(has_rtp_times_ && times->media == newest_times_.media)) {
    has_rtp_times_ = true;
    if (!times->arrival)
      times->arrival = came;
    newest_times_ = *times;
    newest_pts_ = pts;
  } else if (has_rtp_times_) {
    const auto ahead = pts && newest_pts_ ? *pts - *newest_pts_ : Duration{0};
    times = newest_times_;
    times->media += ahead;
    times->arrival = std::min(*times->arrival + ahead, came);
    times->ntp.reset();
  } else {
    return {.media = MediaTime{pts.value_or(now).time_since_epoch()}, .arrival = came};
  }
  return {.media = times->media,
          .arrival = *times->arrival,
          .ntp = times->ntp,
          .is_captured = times->is_ntp_of_capture,
          .ssrc = times->ssrc};
}

// What a stock jitter buffer held when its input was tapped has no RTP times: it waits for what has
// some, and is then as far from that as its timestamp is.
bool Lane::waits_for_tap() {
  const auto& newest = items_.back();
  if (!tap_ || has_rtp_times_ || !newest.time || read_rtp_times(newest.buffer.get()))
    return false;
  if (untold_ == 1)
    untold_since_ = *newest.time;
  return untold_ < kMostUntapped && *newest.time - untold_since_ < Aligner::kStartHold;
}

void Lane::tell(Item& item, Aligner::Unit unit) {
  unit.id = item.id;
  item.is_untold = false;
  --untold_;
  alignment_.newest_arrival_ = std::max(alignment_.newest_arrival_, unit.arrival);
  alignment_.aligner_.on_unit(stream_, unit, alignment_.now());
}

// The newest first, for it may say what the others are.
void Lane::tell_newest() {
  auto& newest = items_.back();
  const auto unit = describe(newest.buffer.get(), newest.time);
  newest.is_untold = false;
  if (untold_ > 1)
    tell_others();
  tell(newest, unit);
}

void Lane::tell_others() {
  for (auto& item : items_) {
    if (item.is_untold)
      tell(item, describe(item.buffer.get(), item.time));
  }
}

GstFlowReturn Lane::on_buffer(GstPtr<GstBuffer> buffer) {
  Lock lock{alignment_.mutex_};
  while (flow_ == GST_FLOW_OK && is_full())
    drained_.wait(lock);
  if (flow_ != GST_FLOW_OK)
    return flow_;
  if (got_eos_)
    return GST_FLOW_EOS;
  const auto pts = to_running_time(segment_, GST_BUFFER_PTS(buffer.get()));
  items_.push_back(
      {.id = alignment_.next_id_++, .buffer = std::move(buffer), .time = pts, .is_untold = true});
  ++untold_;
  is_idle_ = false;
  if (waits_for_tap())
    return GST_FLOW_OK;
  // Its deadline may be the first.
  const bool is_first = untold_ > 1 || items_.size() == 1;
  tell_newest();
  const bool is_fallback = !has_rtp_times_ && !std::exchange(has_told_fallback_, true);
  alignment_.collect();
  auto messages = alignment_.take_messages();
  if (is_first)
    wait_.wake();
  lock.unlock();
  if (is_fallback)
    say_fallback();
  alignment_.post(std::move(messages));
  return GST_FLOW_OK;
}

bool Lane::on_event(GstPtr<GstEvent> event) {
  const auto type = GST_EVENT_TYPE(event.get());
  if (type == GST_EVENT_STREAM_START)
    find_tap();
  Lock lock{alignment_.mutex_};
  const bool can_wait = GST_EVENT_IS_STICKY(event.get()) && type != GST_EVENT_EOS;
  if (type == GST_EVENT_STREAM_START) {
    tell_others();
    got_eos_ = false;
    has_rtp_times_ = false;
  }
  if (got_eos_ || (flow_ != GST_FLOW_OK && !can_wait))
    return false;
  if (type == GST_EVENT_SEGMENT) {
    // Ours begins at zero and never ends: timestamps are running times.
    gst_event_copy_segment(event.get(), &segment_);
    if (segment_.format != GST_FORMAT_TIME)
      gst_segment_init(&segment_, GST_FORMAT_TIME);
    return true;
  }
  Messages messages;
  if (type == GST_EVENT_EOS) {
    got_eos_ = true;
    tell_others();
    alignment_.aligner_.end(stream_, alignment_.now());
    alignment_.collect();
    messages = alignment_.take_messages();
  }
  const auto time = time_of(event.get(), segment_);
  items_.push_back({.time = time, .event = std::move(event)});
  wait_.wake();
  lock.unlock();
  alignment_.post(std::move(messages));
  return true;
}

// Behind what has come, as it must be: caps pass at once. Behind frames that are held it would wait
// too long, and those that ask can do without an answer. Pools are not handed up: frames that are held
// would exhaust them.
bool Lane::on_query(GstQuery* query) {
  {
    Lock lock{alignment_.mutex_};
    const auto has_buffers = [this] {
      return is_pushing_buffer_ || std::any_of(items_.begin(), items_.end(), [](const Item& item) {
               return static_cast<bool>(item.buffer);
             });
    };
    while (flow_ == GST_FLOW_OK && !has_buffers() && (!items_.empty() || is_pushing_event_))
      drained_.wait(lock);
    if (flow_ != GST_FLOW_OK || has_buffers())
      return false;
  }
  if (!gst_pad_peer_query(src(), query))
    return false;
  if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) {
    while (gst_query_get_n_allocation_pools(query) > 0)
      gst_query_remove_nth_allocation_pool(query, 0);
  }
  return true;
}

// ---- the queue

void Lane::place(const Aligner::Placed& placed) {
  const auto found = std::find_if(items_.begin(), items_.end(), [&placed](const Item& item) {
    return item.buffer && !item.placed && item.id == placed.id;
  });
  if (found == items_.end())
    return;
  found->placed = placed;
  ++ready_;
}

bool Lane::is_ready() const {
  return !items_.empty() && (items_.front().event || items_.front().placed);
}

bool Lane::is_full() const {
  if (ready_ >= kMostReadyItems)
    return true;
  if (!is_ready() || ready_ < 2)
    return false;
  const auto is_placed = [](const Item& item) { return item.placed && !item.placed->is_dropped; };
  const auto first = std::find_if(items_.begin(), items_.end(), is_placed);
  const auto last = std::find_if(items_.rbegin(), items_.rend(), is_placed);
  return first != items_.end() && last->placed->time - first->placed->time >= kMostReady;
}

void Lane::reset(Reset what) {
  const Lock lock{alignment_.mutex_};
  alignment_.aligner_.remove_stream(stream_);
  stream_ = alignment_.aligner_.add_stream(kind_);
  std::erase_if(items_, [what](const Item& item) {
    return what == Reset::All || item.buffer || !GST_EVENT_IS_STICKY(item.event.get()) ||
           GST_EVENT_TYPE(item.event.get()) == GST_EVENT_EOS;
  });
  ready_ = 0;
  got_eos_ = false;
  has_rtp_times_ = false;
  untold_ = 0;
  has_told_fallback_ = false;
  is_idle_ = true;
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  last_out_ = GST_CLOCK_TIME_NONE;
  shift_ = Duration{0};
  needs_segment_ = true;
  timeline_sent_.reset();
  last_frame_.reset();
}

void Lane::start() {
  const Lock lock{alignment_.mutex_};
  flow_ = GST_FLOW_OK;
}

bool Lane::is_unlinked() {
  const Lock lock{alignment_.mutex_};
  return flow_ == GST_FLOW_NOT_LINKED;
}

void Lane::stop() {
  const Lock lock{alignment_.mutex_};
  flow_ = GST_FLOW_FLUSHING;
  wait_.wake();
  drained_.notify_all();
}

// ---- out

void Lane::run() {
  Lock lock{alignment_.mutex_};
  while (flow_ == GST_FLOW_OK) {
    if (!is_ready()) {
      wait_for_work(lock);
      continue;
    }
    const auto flow = push(lock);
    if (flow_ == GST_FLOW_OK)
      flow_ = flow;
  }
  drained_.notify_all();
  // With the mutex, so that who starts it afterwards does start it.
  gst_pad_pause_task(src());
  const auto flow = flow_;
  const bool is_untold = got_eos_ && (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS);
  lock.unlock();
  // Nobody upstream asks any more.
  if (is_untold)
    GST_ELEMENT_FLOW_ERROR(alignment_.element_, flow);
}

void Lane::wait_for_work(Lock& lock) {
  const bool runs = alignment_.is_playing_;
  wait_.wait(lock, alignment_.element_, runs ? alignment_.aligner_.next_deadline() : std::nullopt);
  if (flow_ != GST_FLOW_OK)
    return;
  alignment_.aligner_.on_time(alignment_.now());
  alignment_.collect();
  auto messages = alignment_.take_messages();
  if (messages.items.empty())
    return;
  lock.unlock();
  alignment_.post(std::move(messages));
  lock.lock();
}

GstFlowReturn Lane::push(Lock& lock) {
  Item item = std::move(items_.front());
  items_.pop_front();
  if (item.event) {
    is_pushing_event_ = true;
    push_event(lock, std::move(item));
    is_pushing_event_ = false;
    drained_.notify_all();
    return GST_FLOW_OK;
  }
  --ready_;
  drained_.notify_all();
  if (item.placed->is_dropped)
    return GST_FLOW_OK;
  is_pushing_buffer_ = true;
  const auto flow = push_buffer(lock, std::move(item));
  is_pushing_buffer_ = false;
  return flow;
}

void Lane::push_event(Lock& lock, Item item) {
  const auto type = GST_EVENT_TYPE(item.event.get());
  lock.unlock();
  if (type == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(item.event.get(), &caps);
    is_raw_ = gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw");
    last_frame_.reset();  // is of another size
  }
  if (needs_segment_ && (type == GST_EVENT_GAP || type == GST_EVENT_EOS))
    push_segment();
  if (type == GST_EVENT_EOS)
    GST_INFO_OBJECT(src(), "end of stream");
  gst_pad_push_event(src(), moved(std::move(item)).release());
  lock.lock();
}

void Lane::push_segment() {
  needs_segment_ = false;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(src(), gst_event_new_segment(&segment));
}

// Holes, and where to cut, move with the media around them. On our segment a position is its own
// running and stream time.
GstPtr<GstEvent> Lane::moved(Item item) const {
  auto event = std::move(item.event);
  if (!item.time)
    return event;
  const auto time = to_gst(*item.time + shift_);
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_GAP) {
    GstClockTime duration = GST_CLOCK_TIME_NONE;
    auto flags = static_cast<GstGapFlags>(0);
    gst_event_parse_gap(event.get(), nullptr, &duration);
    gst_event_parse_gap_flags(event.get(), &flags);
    auto gap = GstPtr<GstEvent>::adopt(gst_event_new_gap(time, duration));
    gst_event_set_gap_flags(gap.get(), flags);
    gst_event_set_seqnum(gap.get(), gst_event_get_seqnum(event.get()));
    return gap;
  }
  event = writable(std::move(event));
  auto* structure = gst_event_writable_structure(event.get());
  for (const char* field : {"timestamp", "stream-time", "running-time"}) {
    if (gst_structure_has_field_typed(structure, field, G_TYPE_UINT64))
      gst_structure_set(structure, field, G_TYPE_UINT64, time, nullptr);
  }
  return event;
}

// Downstream speaks of what it was given.
GstPtr<GstEvent> Lane::moved_back(GstPtr<GstEvent> event) {
  Duration shift;
  {
    const Lock lock{alignment_.mutex_};
    shift = shift_;
  }
  const auto back = [shift](guint64 time) { return to_gst(*to_duration(time) - shift); };
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_QOS) {
    GstQOSType type = GST_QOS_TYPE_OVERFLOW;
    gdouble proportion = 1;
    GstClockTimeDiff late = 0;
    GstClockTime time = GST_CLOCK_TIME_NONE;
    gst_event_parse_qos(event.get(), &type, &proportion, &late, &time);
    if (!GST_CLOCK_TIME_IS_VALID(time))
      return event;
    auto qos = GstPtr<GstEvent>::adopt(gst_event_new_qos(type, proportion, late, back(time)));
    gst_event_set_seqnum(qos.get(), gst_event_get_seqnum(event.get()));
    return qos;
  }
  guint64 time = GST_CLOCK_TIME_NONE;
  if (gst_event_has_name(event.get(), kForceKeyUnit) &&
      gst_structure_get_uint64(gst_event_get_structure(event.get()), "running-time", &time) &&
      GST_CLOCK_TIME_IS_VALID(time)) {
    event = writable(std::move(event));
    gst_structure_set(gst_event_writable_structure(event.get()), "running-time", G_TYPE_UINT64,
                      back(time), nullptr);
  }
  return event;
}

GstFlowReturn Lane::push_buffer(Lock& lock, Item item) {
  const auto& placed = *item.placed;
  const auto now = alignment_.now();
  GstPtr<GstEvent> timeline;
  if (!timeline_sent_ || now - *timeline_sent_ >= kTimelineInterval) {
    timeline = GstPtr<GstEvent>::adopt(alignment_.make_timeline_event());
    if (timeline)
      timeline_sent_ = now;
  }
  const bool adjusts = is_raw_ && alignment_.settings_.adjust_frames;
  if (item.time)
    shift_ = placed.time - *item.time;
  lock.unlock();

  if (needs_segment_)
    push_segment();
  if (timeline)
    gst_pad_push_event(src(), timeline.release());

  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_make_writable(item.buffer.release()));
  const auto out = to_gst(placed.time);
  const auto pts = GST_BUFFER_PTS(buffer.get());
  const auto dts = GST_BUFFER_DTS(buffer.get());
  GST_BUFFER_PTS(buffer.get()) = out;
  if (GST_CLOCK_TIME_IS_VALID(dts)) {
    // As far from the new PTS as it was from the old one.
    const auto ahead = GST_CLOCK_TIME_IS_VALID(pts) ? GST_CLOCK_DIFF(dts, pts) : 0;
    GST_BUFFER_DTS(buffer.get()) = to_gst(placed.time - Duration{ahead});
  }
  if (placed.is_break)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);

  GstFlowReturn flow = GST_FLOW_OK;
  if (adjusts) {
    if (placed.is_squeezed) {
      GST_DEBUG_OBJECT(src(), "dropped a frame that had no room");
      lock.lock();
      return flow;
    }
    flow = push_repeats(placed);
    last_frame_ = buffer;
    frame_interval_ = placed.interval;
  } else {
    last_frame_.reset();
  }
  GST_LOG_OBJECT(src(), "%" GST_TIME_FORMAT " -> %" GST_TIME_FORMAT, GST_TIME_ARGS(pts),
                 GST_TIME_ARGS(out));
  if (flow == GST_FLOW_OK)
    flow = gst_pad_push(src(), buffer.release());
  last_out_ = out;
  lock.lock();
  return flow;
}

// The hole that a step leaves is filled with the frame in front of it.
GstFlowReturn Lane::push_repeats(const Aligner::Placed& placed) {
  if (!last_frame_ || placed.step <= Duration{0} || frame_interval_ <= Duration{0})
    return GST_FLOW_OK;
  const auto end = placed.time - frame_interval_ / 2;
  RunningTime at{Duration{static_cast<Duration::rep>(last_out_)}};
  for (std::size_t i = 0; i < kMostRepeats; ++i) {
    at += frame_interval_;
    if (at >= end)
      break;
    GstBuffer* copy = gst_buffer_copy(last_frame_.get());
    GST_BUFFER_PTS(copy) = to_gst(at);
    if (GST_BUFFER_DTS_IS_VALID(copy))
      GST_BUFFER_DTS(copy) = to_gst(at);
    GST_BUFFER_FLAG_UNSET(copy, GST_BUFFER_FLAG_DISCONT);
    if (const auto flow = gst_pad_push(src(), copy); flow != GST_FLOW_OK)
      return flow;
  }
  return GST_FLOW_OK;
}

}  // namespace onair
