// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live_sink.hpp"

#include <algorithm>
#include <set>

#include "glue/element_clock.hpp"
#include "glue/gsttime.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_live_sink_debug);
#define GST_CAT_DEFAULT gst_hls_live_sink_debug

namespace onair {
namespace {

// Between two looks at the wall clock.
constexpr Duration kObservation = std::chrono::seconds(1);

}  // namespace

void LiveSink::add(MediaKind kind, unsigned number, GstPad* source) {
  auto input = Input::make(kind, number, source, shared_from_this());
  const std::lock_guard lock{mutex_};
  if (is_started_)
    input->set_active(true);
  inputs_.emplace(std::pair{kind, number}, std::move(input));
}

void LiveSink::remove(MediaKind kind, unsigned number) {
  InputPtr gone;
  {
    const std::lock_guard lock{mutex_};
    auto found = inputs_.extract({kind, number});
    if (!found)
      return;
    gone = std::move(found.mapped());
  }
  gone->set_active(false);
  on_end(*gone);
  const std::lock_guard lock{mutex_};
  routes_.erase(gone.get());
  ended_.erase(gone.get());
}

bool LiveSink::start(const LiveSettings& settings) {
  if (!settings.key_uri.empty() && !has_encryption()) {
    GST_ELEMENT_ERROR(bin_, LIBRARY, SETTINGS,
                      ("encrypt-key-uri is set, and this was built without encryption."),
                      (nullptr));
    return false;
  }
  const auto former = publication();
  auto publication = std::make_shared<Publication>(settings, *this, former.get());
  if (const auto failure = publication->prepare()) {
    GST_ELEMENT_ERROR(bin_, RESOURCE, OPEN_WRITE, ("%s", to_text(*failure).c_str()), (nullptr));
    return false;
  }
  guint64 patience = 0;
  gst_child_proxy_get(GST_CHILD_PROXY(bin_), "balancer::max-wait", &patience, nullptr);
  const std::lock_guard lock{mutex_};
  patience_ = Duration{static_cast<Duration::rep>(patience)};
  publication_ = std::move(publication);
  is_started_ = true;
  newest_now_ = {};
  has_end_to_post_ = false;
  for (const auto& [key, input] : inputs_)
    input->set_active(true);
  return true;
}

void LiveSink::abandon() {
  Renditions renditions;
  {
    const std::lock_guard lock{mutex_};
    renditions = renditions_;
  }
  for (const auto& rendition : renditions)
    rendition->abandon();
}

void LiveSink::stop() {
  // Their streams may be waiting for the mutex.
  decltype(inputs_) inputs;
  Renditions gone;
  {
    const std::lock_guard lock{mutex_};
    is_started_ = false;
    inputs = inputs_;
  }
  for (const auto& [key, input] : inputs)
    input->set_active(false);
  const std::lock_guard lock{mutex_};
  gone.swap(renditions_);
  routes_.clear();
  ended_.clear();
  observed_.reset();
}

void LiveSink::withdraw() {
  std::shared_ptr<Publication> publication;
  const std::lock_guard lock{mutex_};
  publication.swap(publication_);
}

void LiveSink::set_playing(bool is_playing) {
  bool has_end = false;
  {
    const std::lock_guard lock{mutex_};
    is_playing_ = is_playing;
    has_end = is_playing && std::exchange(has_end_to_post_, false);
  }
  if (has_end)
    gst_element_post_message(GST_ELEMENT(bin_), gst_message_new_eos(GST_OBJECT(bin_)));
}

std::shared_ptr<Publication> LiveSink::publication() {
  const std::lock_guard lock{mutex_};
  return publication_;
}

// ---- renditions

LiveSink::InputPtr LiveSink::find(MediaKind kind, unsigned number) const {
  const auto found = inputs_.find({kind, number});
  return found == inputs_.end() ? nullptr : found->second;
}

LiveSink::InputPtr LiveSink::first_sound() const {
  const auto first = inputs_.lower_bound({MediaKind::Audio, 0});
  return first != inputs_.end() && first->first.first == MediaKind::Audio ? first->second : nullptr;
}

void LiveSink::make_rendition(const std::string& name, unsigned number, bool is_group,
                              const std::vector<InputPtr>& inputs) {
  const auto& settings = publication_->settings();
  const bool is_transport = settings.container == Container::MpegTs;
  auto writer = std::make_shared<SegmentWriter>(
      *publication_, SegmentWriter::Config{.name = name,
                                           .extension = is_transport ? ".ts" : ".m4s",
                                           .number = number,
                                           .is_group = is_group});
  Rendition::Config config{.muxer = is_transport ? "mpegtsmux" : "cmafpartmux",
                           .packs_sound = is_transport,
                           .target = Duration{static_cast<Duration::rep>(settings.target_duration)},
                           .patience = patience_};
  if (publication_->is_low_latency())
    config.part_target = Duration{static_cast<Duration::rep>(settings.part_target)};
  auto rendition = std::make_shared<Rendition>(bin_, config, std::move(writer));
  for (const auto& input : inputs)
    rendition->expect(input);
  renditions_.push_back(std::move(rendition));
}

// Rendition N is video N with sound N, or else with the first sound; sound without video is one of its
// own. Those that there are already stay as they are.
void LiveSink::make_renditions() {
  const bool has_video = inputs_.lower_bound({MediaKind::Video, 0}) != inputs_.end();
  const bool is_grouped = has_video && publication_->settings().audio == AudioRenditions::Group;
  for (const auto& [key, input] : inputs_) {
    if (routes_.contains(input.get()))
      continue;
    const auto [kind, number] = key;
    const auto name = std::to_string(number);
    if (kind == MediaKind::Audio && is_grouped) {
      make_rendition("audio-" + name, number, true, {input});
    } else if (kind == MediaKind::Audio && !find(MediaKind::Video, number)) {
      make_rendition(name, number, false, {input});
    } else if (kind == MediaKind::Video) {
      const auto own_sound = find(MediaKind::Audio, number);
      const auto sound = own_sound ? own_sound : first_sound();
      make_rendition(name, number, false,
                     sound && !is_grouped ? std::vector{input, sound} : std::vector{input});
    }
  }
  for (const auto& [key, input] : inputs_) {
    Renditions its;
    std::copy_if(renditions_.begin(), renditions_.end(), std::back_inserter(its),
                 [&](const auto& rendition) { return rendition->has(*input); });
    routes_[input.get()] = std::make_shared<const Renditions>(std::move(its));
  }
}

std::shared_ptr<const LiveSink::Renditions> LiveSink::renditions_of(const Input& input) {
  const std::lock_guard lock{mutex_};
  const auto found = routes_.find(&input);
  return found == routes_.end() ? std::make_shared<const Renditions>() : found->second;
}

// ---- what comes

GstFlowReturn LiveSink::on_frame(const Input& input, MediaFrame frame) {
  observe_clock();
  {
    const std::lock_guard lock{mutex_};
    if (is_started_ && !routes_.contains(&input))
      make_renditions();
  }
  auto flow = GST_FLOW_OK;
  const auto renditions = renditions_of(input);
  for (const auto& rendition : *renditions) {
    const auto its = rendition->on_frame(input, frame);
    if (its != GST_FLOW_OK)
      flow = its;
  }
  return flow;
}

void LiveSink::on_end(const Input& input) {
  const auto renditions = renditions_of(input);
  for (const auto& rendition : *renditions)
    rendition->on_end(input);
  {
    const std::lock_guard lock{mutex_};
    ended_[&input] = true;
    const bool is_last = std::all_of(inputs_.begin(), inputs_.end(), [this](const auto& entry) {
      const auto found = ended_.find(entry.second.get());
      return found != ended_.end() && found->second;
    });
    if (!is_last)
      return;
    // As sinks do: not before they play.
    if (!is_playing_) {
      has_end_to_post_ = true;
      return;
    }
  }
  gst_element_post_message(GST_ELEMENT(bin_), gst_message_new_eos(GST_OBJECT(bin_)));
}

// As a muxer wants it: whoever can convert (parsers) does.
GstPtr<GstCaps> LiveSink::takes(MediaKind kind) {
  const bool is_transport = container_ == Container::MpegTs;
  const auto* text =
      kind == MediaKind::Video
          ? (is_transport ? "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au"
                          : "video/x-h264, stream-format=(string)avc, alignment=(string)au")
          : (is_transport ? "audio/mpeg, mpegversion=(int)1, parsed=(boolean)true;"
                            "audio/mpeg, mpegversion=(int){2, 4}, stream-format=(string)adts"
                          : "audio/mpeg, mpegversion=(int)1, parsed=(boolean)true;"
                            "audio/mpeg, mpegversion=(int){2, 4}, stream-format=(string)raw");
  return GstPtr<GstCaps>::adopt(gst_caps_from_string(text));
}

// One instant on the time line, on our wall clock when it arrived, and on the sender's (see avaligner).
void LiveSink::on_timeline(const GstStructure* mapping) {
  const auto its = publication();
  guint64 running_time = 0;
  guint64 time = 0;
  if (!its || !gst_structure_get_uint64(mapping, "running-time", &running_time))
    return;
  const RunningTime media{Duration{static_cast<Duration::rep>(running_time)}};
  auto clock = its->wall_clock();
  if (gst_structure_get_uint64(mapping, "ntp-time", &time))
    clock->observe(media, NtpTime{Duration{static_cast<Duration::rep>(time)}},
                   WallClock::Source::Capture);
  else if (gst_structure_get_uint64(mapping, "unix-time", &time))
    clock->observe(media, to_ntp(UtcTime{Duration{static_cast<Duration::rep>(time)}}),
                   WallClock::Source::Arrival);
}

// Media that is made now has the running time of now.
void LiveSink::observe_clock() {
  const auto time = running_time_now(GST_ELEMENT(bin_));
  std::shared_ptr<Publication> its;
  {
    const std::lock_guard lock{mutex_};
    if (!time || !is_playing_ || (observed_ && *time - *observed_ < kObservation))
      return;
    observed_ = time;
    its = publication_;
  }
  const UtcTime utc{std::chrono::microseconds{g_get_real_time()}};
  if (its)
    its->wall_clock()->observe(*time, to_ntp(utc), WallClock::Source::Local);
}

void LiveSink::on_boundary(const GstStructure* boundary) {
  gint64 index = 0;
  gint64 running_time = 0;
  gboolean is_break = FALSE;
  if (!gst_structure_get(boundary, "count", G_TYPE_INT64, &index, "running-time", G_TYPE_INT64,
                         &running_time, "break", G_TYPE_BOOLEAN, &is_break, nullptr))
    return;
  const auto* value = gst_structure_get_value(boundary, "absent");
  const auto* names = value ? static_cast<const char* const*>(g_value_get_boxed(value)) : nullptr;
  std::set<const Input*> absent;
  Renditions renditions;
  {
    const std::lock_guard lock{mutex_};
    renditions = renditions_;
    for (const auto& [key, input] : inputs_)
      if (names && g_strv_contains(names, input->name().c_str()) && !input->is_busy())
        absent.insert(input.get());
  }
  for (const auto& rendition : renditions)
    rendition->on_decided(
        {.index = index, .at = RunningTime{Duration{running_time}}, .is_break = is_break == TRUE},
        absent);
}

StructurePtr LiveSink::request(std::string_view target, std::uint64_t offset) {
  const auto its = publication();
  if (!its)
    return StructurePtr{gst_structure_new("hls-resource", "status", G_TYPE_UINT, 503, "reason",
                                          G_TYPE_STRING, "not started", nullptr)};
  return its->request(target, offset);
}

StructurePtr LiveSink::stats() {
  const auto its = publication();
  return its ? its->stats()
             : StructurePtr{gst_structure_new_empty("application/x-hlslivesink-stats")};
}

// ---- the world around

// The running time, which stands still while the element is paused.
ClockTime LiveSink::now() {
  const auto time = running_time_now(GST_ELEMENT(bin_));
  const std::lock_guard lock{mutex_};
  if (time && is_playing_)
    newest_now_ = std::max(newest_now_, ClockTime{time->time_since_epoch()});
  return newest_now_;
}

void LiveSink::on_change(const std::string& name) {
  g_signal_emit_by_name(bin_, "resource-changed", name.c_str());
}

void LiveSink::on_message(StructurePtr message) {
  gst_element_post_message(GST_ELEMENT(bin_),
                           gst_message_new_element(GST_OBJECT(bin_), message.release()));
}

std::optional<AesBlock> LiveSink::key(std::uint64_t number) {
  GBytes* bytes = nullptr;
  g_signal_emit_by_name(bin_, "request-key", number, &bytes);
  if (!bytes)
    return std::nullopt;
  gsize size = 0;
  const auto* data = static_cast<const std::uint8_t*>(g_bytes_get_data(bytes, &size));
  std::optional<AesBlock> key;
  if (size == AesBlock{}.size())
    std::copy_n(data, size, key.emplace().begin());
  else
    GST_ELEMENT_WARNING(
        bin_, LIBRARY, SETTINGS,
        ("A key has 16 bytes: one of %" G_GSIZE_FORMAT " is not taken, and another one is made.",
         size),
        ("kid %" G_GUINT64_FORMAT, number));
  g_bytes_unref(bytes);
  return key;
}

// The rest goes on, and so does this when it can.
void LiveSink::on_failure(const StorageError& error) {
  GST_ELEMENT_WARNING(bin_, RESOURCE, WRITE, ("%s", to_text(error).c_str()), (nullptr));
}

}  // namespace onair
