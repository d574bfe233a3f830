// SPDX-License-Identifier: LGPL-2.1-or-later
#include "track.hpp"

#include <gst/video/video.h>

#include "base/ticks.hpp"
#include "glue/gsttime.hpp"
#include "stock_sink.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_balancer_debug);
#define GST_CAT_DEFAULT gst_hls_balancer_debug

namespace onair {
namespace {

// What frames are counted in where caps say no rate.
constexpr std::uint32_t kNanoseconds = 1'000'000'000;

// Samples of a frame by what the caps say, for buffers without a duration.
std::int64_t coded_length(const GstStructure* caps, std::uint32_t rate) {
  gint version = 0;
  gint layer = 0;
  if (!gst_structure_has_name(caps, "audio/mpeg") ||
      !gst_structure_get_int(caps, "mpegversion", &version))
    return 0;
  if (version != 1)
    return 1024;
  if (!gst_structure_get_int(caps, "layer", &layer))
    return 0;
  if (layer == 1)
    return 384;
  return layer == 3 && rate < 32'000 ? 576 : 1152;
}

void set_flag(GstPtr<GstBuffer>& buffer, GstBufferFlags flag) {
  if (GST_BUFFER_FLAG_IS_SET(buffer.get(), flag))
    return;
  buffer = GstPtr<GstBuffer>::adopt(gst_buffer_make_writable(buffer.release()));
  GST_BUFFER_FLAG_SET(buffer.get(), flag);
}

void set_times(GstPtr<GstBuffer>& buffer, GstClockTime pts, GstClockTime dts) {
  if (GST_BUFFER_PTS(buffer.get()) == pts && GST_BUFFER_DTS(buffer.get()) == dts)
    return;
  buffer = GstPtr<GstBuffer>::adopt(gst_buffer_make_writable(buffer.release()));
  GST_BUFFER_PTS(buffer.get()) = pts;
  GST_BUFFER_DTS(buffer.get()) = dts;
}

}  // namespace

Track::Track(Balancer& balancer, CutScheduler::Kind kind, GstPtr<GstPad> sink, GstPtr<GstPad> src)
    : PadPair{std::move(sink), std::move(src)}, balancer_{balancer}, kind_{kind} {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
}

void Track::join(CutScheduler& scheduler) {
  id_ = scheduler.add_stream(kind_);
}

void Track::set_flushing(bool is_flushing) {
  const Lock lock{balancer_.mutex_};
  is_flushing_ = is_flushing;
  balancer_.changed_.notify_all();
}

AudioFrames::Format Track::format_of(GstBuffer* buffer) {
  const auto duration = to_duration(GST_BUFFER_DURATION(buffer));
  const auto rate = rate_ > 0 ? rate_ : kNanoseconds;
  auto length = duration ? to_ticks(*duration, rate) : coded_length_;
  // Durations are rounded: off by one is the same.
  if (length <= 0 || (format_.rate == rate && std::abs(length - format_.length) <= 1))
    length = format_.rate == rate ? format_.length : 1;
  format_ = {.length = length, .rate = rate};
  return format_;
}

// Whoever measures segments behind us needs it: stock aacparse loses it where it writes ADTS headers.
GstPtr<GstBuffer> Track::with_duration(GstPtr<GstBuffer> buffer) const {
  if (GST_BUFFER_DURATION_IS_VALID(buffer.get()) || format_.rate == kNanoseconds)
    return buffer;
  buffer = GstPtr<GstBuffer>::adopt(gst_buffer_make_writable(buffer.release()));
  GST_BUFFER_DURATION(buffer.get()) = to_gst(to_duration(format_.length, format_.rate));
  return buffer;
}

// The scheduler's answer, which may take until other streams have come as far.
std::optional<CutScheduler::Verdict> Track::judge(const CutScheduler::Frame& frame) {
  Lock lock{balancer_.mutex_};
  const auto is_over = [this] { return is_flushing_ || !balancer_.is_running_; };
  if (is_over())
    return std::nullopt;
  balancer_.scheduler_.arrive(id_, frame, balancer_.now());
  auto verdict = balancer_.scheduler_.judge(id_);
  while (std::holds_alternative<CutScheduler::Wait>(verdict)) {
    // Others may wait for what has been decided here.
    if (const auto work = balancer_.collect(); !work.is_empty()) {
      lock.unlock();
      balancer_.carry_out(work);
      lock.lock();
    } else {
      balancer_.changed_.wait(lock);
    }
    if (is_over())
      return std::nullopt;
    verdict = balancer_.scheduler_.judge(id_);
  }
  const auto work = balancer_.collect();
  lock.unlock();
  balancer_.carry_out(work);
  return verdict;
}

// Who writes the segments may have to be told, and is not linked before the first buffer.
void Track::meet_sink() {
  if (knows_sink_.exchange(true))
    return;
  bool configures = false;
  balancer_.visit_settings(
      [&](const BalancerSettings& settings) { configures = settings.configure_sink; });
  const bool follows = configures && configure_stock_sink(balancer_.element_, src());
  const Lock lock{balancer_.mutex_};
  marks_boundaries_ = kind_ == CutScheduler::Kind::Audio && (follows || !balancer_.has_video());
}

GstFlowReturn Track::on_buffer(GstPtr<GstBuffer> buffer) {
  meet_sink();
  const auto* raw = buffer.get();
  const auto time = to_running_time(
      segment_, GST_BUFFER_PTS_IS_VALID(raw) ? GST_BUFFER_PTS(raw) : GST_BUFFER_DTS(raw));
  if (!time)
    return gst_pad_push(src(), buffer.release());
  CutScheduler::Frame frame{.time = *time};
  if (kind_ == CutScheduler::Kind::Audio) {
    frame.format = format_of(buffer.get());
  } else {
    frame.is_key = !GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_DELTA_UNIT);
    const auto duration = to_duration(GST_BUFFER_DURATION(raw));
    frame.duration = duration ? duration : picture_length_;
  }

  const auto verdict = judge(frame);
  if (!verdict)
    return GST_FLOW_FLUSHING;
  if (std::holds_alternative<CutScheduler::Drop>(*verdict))
    return GST_FLOW_OK;
  const auto* cut = std::get_if<CutScheduler::Cut>(&*verdict);
  if (cut)
    announce(cut->boundary, *time + cut->shift);
  const bool is_demoted = std::holds_alternative<CutScheduler::Demote>(*verdict);
  if (is_demoted || (marks_boundaries_ && !cut))
    set_flag(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (cut && cut->boundary.is_break)
    set_flag(buffer, GST_BUFFER_FLAG_DISCONT);
  if (kind_ == CutScheduler::Kind::Audio)
    buffer = with_duration(std::move(buffer));
  if (kind_ == CutScheduler::Kind::Video)
    buffer = timed(std::move(buffer), cut);
  else if (cut && cut->shift != Duration{0})
    set_times(buffer, to_position(segment_, cut->boundary.at),
              GST_BUFFER_DTS_IS_VALID(buffer.get()) ? to_position(segment_, cut->boundary.at)
                                                    : GST_CLOCK_TIME_NONE);
  return gst_pad_push(src(), buffer.release());
}

// Times are moved in running time; in a segment at normal speed positions move by as much.
GstPtr<GstBuffer> Track::timed(GstPtr<GstBuffer> buffer, const CutScheduler::Cut* cut) {
  const auto at = [](GstClockTime position) {
    return RunningTime{Duration{static_cast<Duration::rep>(position)}};
  };
  const auto* raw = buffer.get();
  const auto pts = at(GST_BUFFER_PTS_IS_VALID(raw) ? GST_BUFFER_PTS(raw) : GST_BUFFER_DTS(raw));
  const auto dts =
      GST_BUFFER_DTS_IS_VALID(raw) ? std::optional{at(GST_BUFFER_DTS(raw))} : std::nullopt;
  if (cut && cut->boundary.is_break)
    times_.reset();
  const auto times = cut ? times_.begin_segment(pts, dts, cut->shift) : times_.next(pts, dts);
  set_times(buffer, to_gst(times.pts), to_gst(times.dts));
  return buffer;
}

void Track::announce(const CutScheduler::Boundary& boundary, RunningTime at) {
  const auto position = to_position(segment_, at);
  auto* event = gst_video_event_new_downstream_force_key_unit(
      position, gst_segment_to_stream_time(&segment_, GST_FORMAT_TIME, position), to_gst(at), TRUE,
      static_cast<guint>(boundary.index));
  gst_structure_set(gst_event_writable_structure(event), "break", G_TYPE_BOOLEAN, boundary.is_break,
                    "boundary", G_TYPE_UINT64, to_gst(boundary.at), nullptr);
  gst_pad_push_event(src(), event);
}

void Track::ask(const CutScheduler::Request& request) {
  const auto count = static_cast<guint>(request.index.value_or(0));
  GST_DEBUG_OBJECT(sink(), "key frame wanted for boundary %u%s", count,
                   request.at ? "" : ", at once");
  gst_pad_push_event(sink(),
                     gst_video_event_new_upstream_force_key_unit(
                         request.at ? to_gst(*request.at) : GST_CLOCK_TIME_NONE, TRUE, count));
}

// A segment without anything in it. Stock splitmuxsink 1.22 takes no notice of GAP events, and waits for
// ever: an empty buffer is what muxers make of one.
void Track::begin_empty(const CutScheduler::Boundary& boundary) {
  GST_INFO_OBJECT(sink(), "nothing at boundary %" G_GINT64_FORMAT,
                  static_cast<gint64>(boundary.index));
  announce(boundary, boundary.at);
  auto* empty = gst_buffer_new();
  GST_BUFFER_PTS(empty) = GST_BUFFER_DTS(empty) = to_position(segment_, boundary.at);
  GST_BUFFER_FLAG_SET(empty, GST_BUFFER_FLAG_GAP);
  if (boundary.is_break)
    GST_BUFFER_FLAG_SET(empty, GST_BUFFER_FLAG_DISCONT);
  gst_pad_push(src(), empty);
}

// Upstream says that there is no sound up to an instant: as good as a frame that begins there.
bool Track::on_gap(GstPtr<GstEvent> event) {
  GstClockTime start = GST_CLOCK_TIME_NONE;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  gst_event_parse_gap(event.get(), &start, &duration);
  const auto end =
      to_running_time(segment_, GST_CLOCK_TIME_IS_VALID(duration) ? start + duration : start);
  const bool done = gst_pad_push_event(src(), event.release());
  if (!end)
    return done;
  const auto verdict = judge({.time = *end, .format = format_});
  if (const auto* cut = verdict ? std::get_if<CutScheduler::Cut>(&*verdict) : nullptr)
    begin_empty(cut->boundary);
  return done && verdict;
}

// `running-time` of an instant and its wall clock: the grid through the epoch.
void Track::take_timeline(GstEvent* event) {
  const auto* structure = gst_event_get_structure(event);
  guint64 running_time = 0;
  guint64 unix_time = 0;
  guint64 ntp_time = 0;
  if (!structure || !gst_structure_has_name(structure, "onair-timeline") ||
      !gst_structure_get_uint64(structure, "running-time", &running_time) ||
      !gst_structure_get_uint64(structure, "unix-time", &unix_time))
    return;
  constexpr guint64 kNtpToUnix = G_GUINT64_CONSTANT(2'208'988'800) * GST_SECOND;
  // The sender's clock is the same for every receiver.
  if (gst_structure_get_uint64(structure, "ntp-time", &ntp_time) && ntp_time > kNtpToUnix)
    unix_time = ntp_time - kNtpToUnix;
  const Lock lock{balancer_.mutex_};
  if (balancer_.settings_.anchor == CutAnchor::Epoch)
    balancer_.scheduler_.set_anchor(RunningTime{Duration{static_cast<Duration::rep>(running_time)} -
                                                Duration{static_cast<Duration::rep>(unix_time)} +
                                                Duration{balancer_.settings_.phase}});
}

bool Track::on_event(GstPtr<GstEvent> event) {
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event.get(), &caps);
      const auto* structure = gst_caps_get_structure(caps, 0);
      gint rate = 0;
      if (kind_ == CutScheduler::Kind::Audio && gst_structure_get_int(structure, "rate", &rate) &&
          rate > 0) {
        rate_ = static_cast<std::uint32_t>(rate);
        coded_length_ = coded_length(structure, rate_);
      }
      gint frames = 0;
      gint seconds = 0;
      picture_length_ = {};
      if (gst_structure_get_fraction(structure, "framerate", &frames, &seconds) && frames > 0)
        picture_length_ = Duration{std::chrono::seconds{seconds}} / frames;
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event.get(), &segment_);
      times_.reset();
      break;
    case GST_EVENT_EOS: {
      Lock lock{balancer_.mutex_};
      balancer_.scheduler_.end(id_, balancer_.now());
      const auto work = balancer_.collect();
      lock.unlock();
      balancer_.carry_out(work);
      break;
    }
    case GST_EVENT_FLUSH_STOP: {
      const Lock lock{balancer_.mutex_};
      is_flushing_ = false;
      balancer_.scheduler_.flush(id_);
      times_.reset();
      gst_segment_init(&segment_, GST_FORMAT_TIME);
      break;
    }
    case GST_EVENT_GAP:
      if (kind_ == CutScheduler::Kind::Audio)
        return on_gap(std::move(event));
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      // Encoders announce the key frames that they were asked for; the cuts are announced here.
      if (gst_video_event_is_force_key_unit(event.get()))
        return true;
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      take_timeline(event.get());
      break;
    default:
      break;
  }
  return gst_pad_push_event(src(), event.release());
}

}  // namespace onair
