// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wheel.hpp"

#include <algorithm>
#include <utility>

#include "audio_lane.hpp"
#include "first_caps.hpp"
#include "video_lane.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_flywheel_debug);
#define GST_CAT_DEFAULT gst_flywheel_debug

namespace onair {

namespace {

// Whatever their timestamps say.
constexpr guint kMostBuffers = 256;
// From whoever knows that nothing comes.
constexpr const char* kAwayEvent = "onair-away";

}  // namespace

Wheel::Wheel(GstElement* element, GstPad* sink, GstPad* src)
    : element_{element}, sink_{sink}, src_{src} {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
}

// ---- time

RunningTime Wheel::running_time() const {
  return running_time_now(element_).value_or(RunningTime{});
}

// Whether the clock says when to fill.
bool Wheel::has_clock() const {
  return is_playing_ && (settings_.caps || is_live_.value_or(false));
}

void Wheel::find_liveness(bool must_know) {
  {
    const Lock lock{mutex_};
    if (!asks_again_)
      return;
  }
  GstQuery* query = gst_query_new_latency();
  gboolean live = FALSE;
  const bool is_known = gst_pad_peer_query(sink_, query) != FALSE;
  gst_query_parse_latency(query, &live, nullptr, nullptr);
  gst_query_unref(query);
  const Lock lock{mutex_};
  asks_again_ = !must_know;
  if (!is_known && !must_know)
    return;
  const bool is_live = is_known && live;
  if (std::exchange(is_live_, is_live) != is_live)
    GST_INFO_OBJECT(element_, "upstream is %slive", is_live ? "" : "not ");
}

bool Wheel::answer_latency(GstQuery* query) {
  const bool is_known = gst_pad_peer_query(sink_, query) != FALSE;
  const Lock lock{mutex_};
  if (!is_known && !settings_.caps)
    return false;
  gboolean live = TRUE;
  GstClockTime least = 0;
  GstClockTime most = GST_CLOCK_TIME_NONE;
  if (is_known) {
    gst_query_parse_latency(query, &live, &least, &most);
    is_live_ = live != FALSE;
    live = live || settings_.caps;
  }
  if (live) {
    least += settings_.max_wait;
    if (GST_CLOCK_TIME_IS_VALID(most))
      most += settings_.max_wait;
  }
  gst_query_set_latency(query, live, least, most);
  return true;
}

// ---- upstream's thread

bool Wheel::is_full() const {
  if (queued_buffers_ >= kMostBuffers)
    return true;
  const auto has_time = [](const Item& item) { return item.buffer && item.start; };
  const auto oldest = std::find_if(queue_.begin(), queue_.end(), has_time);
  const auto newest = std::find_if(queue_.rbegin(), queue_.rend(), has_time);
  return oldest != queue_.end() &&
         *newest->start - *oldest->start >= to_duration(settings_.max_queue).value_or(Duration{0});
}

GstFlowReturn Wheel::on_buffer(GstPtr<GstBuffer> buffer) {
  find_liveness(true);
  Lock lock{mutex_};
  Item item{.start = to_running_time(segment_, GST_BUFFER_PTS(buffer.get())),
            .now = has_clock() ? std::optional{running_time()} : std::nullopt};
  item.buffer = std::move(buffer);
  changed_.wait(lock, [&] { return flow_ != GST_FLOW_OK || !is_full(); });
  if (flow_ != GST_FLOW_OK)
    return flow_;
  if (got_eos_)
    return GST_FLOW_EOS;
  queue_.push_back(std::move(item));
  ++queued_buffers_;
  wait_.wake();
  return GST_FLOW_OK;
}

bool Wheel::on_event(GstPtr<GstEvent> event) {
  const Lock lock{mutex_};
  const GstEventType type = GST_EVENT_TYPE(event.get());
  // Sticky events arrive with the next data; EOS has none behind it.
  const bool can_wait = GST_EVENT_IS_STICKY(event.get()) && type != GST_EVENT_EOS;
  if (got_eos_ || (flow_ != GST_FLOW_OK && !can_wait))
    return false;
  Item item;
  if (type == GST_EVENT_SEGMENT) {
    gst_event_copy_segment(event.get(), &segment_);
    if (segment_.format != GST_FORMAT_TIME)
      gst_segment_init(&segment_, GST_FORMAT_TIME);
    asks_again_ = true;
  } else if (type == GST_EVENT_GAP) {
    GstClockTime start = GST_CLOCK_TIME_NONE;
    GstClockTime length = GST_CLOCK_TIME_NONE;
    gst_event_parse_gap(event.get(), &start, &length);
    item.start = to_running_time(segment_, start);
    item.length = to_duration(length).value_or(Duration{0});
    if (has_clock())
      item.now = running_time();
  } else if (type == GST_EVENT_EOS) {
    got_eos_ = true;
  }
  item.event = std::move(event);
  queue_.push_back(std::move(item));
  wait_.wake();
  return true;
}

bool Wheel::on_query(GstQuery* query) {
  Lock lock{mutex_};
  if (flow_ != GST_FLOW_OK)
    return false;
  answer_.reset();
  Item item;
  item.query = query;
  queue_.push_back(std::move(item));
  wait_.wake();
  // Not before the query has come back: it is the caller's.
  changed_.wait(lock, [&] { return answer_ && !is_asking_; });
  std::erase_if(queue_, [&](const Item& waiting) { return waiting.query == query; });
  return *answer_;
}

bool Wheel::wait_for_end() {
  Lock lock{mutex_};
  if (!got_eos_)
    return false;
  changed_.wait(lock, [&] { return flow_ != GST_FLOW_OK; });
  return flow_ == GST_FLOW_EOS;
}

// ---- the source pad's task

void Wheel::run() {
  Lock lock{mutex_};
  while (flow_ == GST_FLOW_OK) {
    std::optional<GstFlowReturn> done;
    if (lane_)
      lane_->configure(settings_);
    if (!queue_.empty()) {
      Item item = std::move(queue_.front());
      queue_.pop_front();
      queued_buffers_ -= item.buffer ? 1 : 0;
      changed_.notify_all();
      if (item.query) {
        done = ask(lock, item.query);
      } else {
        lock.unlock();
        done = handle(std::move(item));
        lock.lock();
      }
    } else if (!lane_ && settings_.caps && has_clock()) {
      done = begin_without_input(lock);
    } else if (const auto due = deadline(); due && running_time() >= *due) {
      lock.unlock();
      done = fill();
      lock.lock();
    } else {
      wait_.wait(lock, element_, due);
      continue;
    }
    stats_ = lane_stats_;
    if (*done != GST_FLOW_OK && flow_ == GST_FLOW_OK)
      stop_flow(*done);  // upstream hears of it by its next buffer
  }
  GST_DEBUG_OBJECT(element_, "pausing: %s", gst_flow_get_name(flow_));
}

// When to fill, as far as the clock counts.
std::optional<RunningTime> Wheel::deadline() const {
  return lane_ && has_clock() ? lane_->deadline() : std::nullopt;
}

GstFlowReturn Wheel::ask(Lock& lock, GstQuery* query) {
  is_asking_ = true;
  lock.unlock();
  const bool answer = gst_pad_peer_query(src_, query) != FALSE;
  lock.lock();
  is_asking_ = false;
  answer_ = answer;
  changed_.notify_all();
  return GST_FLOW_OK;
}

GstFlowReturn Wheel::handle(Item item) {
  if (item.buffer) {
    if (!lane_)
      return GST_FLOW_NOT_NEGOTIATED;
    open_output();
    return lane_->on_buffer(std::move(item.buffer), item.start, item.now);
  }
  auto event = std::move(item.event);
  return handle_event(std::move(event), item);
}

GstFlowReturn Wheel::handle_event(GstPtr<GstEvent> event, const Item& item) {
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_STREAM_START:
      // One stream that does not end, whoever sends.
      if (std::exchange(has_stream_start_, true))
        return GST_FLOW_OK;
      break;
    case GST_EVENT_CAPS:
      wanted_.reset();
      return apply_caps(std::move(event));
    case GST_EVENT_SEGMENT:
      segment_seqnum_ = gst_event_get_seqnum(event.get());
      open_output();
      return GST_FLOW_OK;
    case GST_EVENT_GAP:
      return lane_ && item.start ? lane_->on_gap(*item.start, item.length, item.now) : GST_FLOW_OK;
    case GST_EVENT_EOS:
      gst_pad_push_event(src_, event.release());
      return GST_FLOW_EOS;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (!gst_event_has_name(event.get(), kAwayEvent))
        break;
      if (lane_)
        set_away();
      else
        is_away_ = true;  // for the lane that begins without input
      return GST_FLOW_OK;
    default:
      break;
  }
  gst_pad_push_event(src_, event.release());
  return GST_FLOW_OK;
}

void Wheel::set_away() {
  GST_INFO_OBJECT(element_, "%s is away", lane_->media());
  lane_->set_away();
}

GstFlowReturn Wheel::apply_caps(GstPtr<GstEvent> event) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event.get(), &caps);
  if (caps_ && gst_caps_is_equal(caps_.get(), caps))
    return GST_FLOW_OK;
  if (!make_lane(caps)) {
    GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("The stream's format cannot be carried on"),
                      ("%" GST_PTR_FORMAT, caps));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!has_stream_start_)
    open_output();
  caps_ = GstPtr<GstCaps>::share(caps);
  gst_pad_push_event(src_, event.release());
  return GST_FLOW_OK;
}

// Or gives new caps to the one that is there.
bool Wheel::make_lane(GstCaps* caps) {
  const bool is_audio = gst_structure_has_name(gst_caps_get_structure(caps, 0), "audio/x-raw");
  if (lane_ && (g_strcmp0(lane_->media(), "audio") == 0) != is_audio)
    return false;
  auto lane = std::move(lane_);
  if (!lane && is_audio) {
    lane = std::make_unique<AudioLane>(element_, src_, lane_stats_);
  } else if (!lane) {
    const Lock lock{mutex_};
    lane = std::make_unique<VideoLane>(element_, src_, lane_stats_, picture_);
  }
  const bool done = lane->set_caps(caps);
  lane_ = std::move(lane);
  if (done)
    lane_->configure(settings());
  return done;
}

// What has to come before data, where upstream has not sent it.
void Wheel::open_output() {
  if (!std::exchange(has_stream_start_, true)) {
    const GMemory<char> id{gst_pad_create_stream_id(src_, element_, nullptr)};
    GstEvent* start = gst_event_new_stream_start(id.get());
    gst_event_set_group_id(start, gst_util_group_id_next());
    gst_pad_push_event(src_, start);
  }
  if (!caps_ || std::exchange(has_segment_, true))
    return;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  GstEvent* event = gst_event_new_segment(&segment);
  if (segment_seqnum_ != GST_SEQNUM_INVALID)
    gst_event_set_seqnum(event, segment_seqnum_);
  gst_pad_push_event(src_, event);
}

// The filler that belongs to the first instant is due after max-wait: so the line begins by that
// much before now, but not before the pipeline does.
GstFlowReturn Wheel::begin_without_input(Lock& lock) {
  wanted_ = settings_.caps;
  const auto max_wait = to_duration(settings_.max_wait).value_or(Duration{0});
  const RunningTime begin = std::max(RunningTime{}, running_time() - max_wait);
  lock.unlock();
  const GstFlowReturn flow = apply_first_caps();
  if (flow == GST_FLOW_OK) {
    lane_->begin(begin);
    if (std::exchange(is_away_, false))
      set_away();
  }
  lock.lock();
  return flow;
}

GstFlowReturn Wheel::apply_first_caps() {
  gst_pad_check_reconfigure(src_);
  const auto accepted = GstPtr<GstCaps>::adopt(gst_pad_peer_query_caps(src_, wanted_.get()));
  const auto now = settings();
  const auto caps = choose_first_caps(wanted_.get(), accepted.get(), now.fill_num, now.fill_den);
  GST_DEBUG_OBJECT(element_, "without input: %" GST_PTR_FORMAT, caps.get());
  return apply_caps(GstPtr<GstEvent>::adopt(gst_event_new_caps(caps.get())));
}

GstFlowReturn Wheel::fill() {
  // Downstream may have become another one.
  if (wanted_ && (lane_->is_refused() || gst_pad_needs_reconfigure(src_)))
    if (const GstFlowReturn flow = apply_first_caps(); flow != GST_FLOW_OK)
      return flow;
  open_output();
  const GstFlowReturn flow = lane_->fill();
  if (lane_->is_refused())
    return GST_FLOW_OK;
  // Nobody else would say so while nothing comes in.
  if (flow < GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR(element_, flow);
  return flow;
}

// ---- life

FlywheelSettings Wheel::settings() {
  const Lock lock{mutex_};
  return settings_;
}

GstStructure* Wheel::stats() {
  const Lock lock{mutex_};
  return to_structure(stats_);
}

void Wheel::start() {
  const Lock lock{mutex_};
  flow_ = GST_FLOW_OK;
}

void Wheel::stop() {
  const Lock lock{mutex_};
  stop_flow(GST_FLOW_FLUSHING);
}

void Wheel::stop_flow(GstFlowReturn flow) {
  flow_ = flow;
  wait_.wake();
  answer_ = false;
  changed_.notify_all();
}

void Wheel::set_playing(bool is_playing) {
  if (is_playing)
    find_liveness(false);
  const Lock lock{mutex_};
  is_playing_ = is_playing;
  wait_.wake();
}

void Wheel::set_picture(GstPtr<GstSample> picture) {
  const Lock lock{mutex_};
  picture_ = std::move(picture);
}

void Wheel::reset() {
  const Lock lock{mutex_};
  queue_.clear();
  queued_buffers_ = 0;
  answer_ = false;
  changed_.notify_all();
  got_eos_ = false;
  is_live_.reset();
  asks_again_ = true;
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  lane_.reset();
  is_away_ = false;
  has_stream_start_ = has_segment_ = false;
  segment_seqnum_ = GST_SEQNUM_INVALID;
  caps_.reset();
  wanted_.reset();
  lane_stats_.filling_since.reset();
  lane_stats_.lag.reset();
  stats_ = lane_stats_;
}

void Wheel::reset_stats() {
  const Lock lock{mutex_};
  stats_ = lane_stats_ = LaneStats{};
}

}  // namespace onair
