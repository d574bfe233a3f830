// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fallback.hpp"

#include <utility>

#include <gst/video/video.h>

#include "glue/gsttime.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_abr_ladder_debug);
#define GST_CAT_DEFAULT gst_abr_ladder_debug

namespace onair {
namespace {

// When everybody has failed who had worked before (a driver that was restarted, say): the next try.
constexpr Duration kRest = std::chrono::seconds{1};

bool is_failure(GstFlowReturn flow) {
  return flow <= GST_FLOW_NOT_NEGOTIATED;
}

void apply(GstElement* chain, const std::vector<Alternatives::Setting>& settings) {
  const auto codec = child(chain, "codec");
  if (!codec)
    return;
  for (const auto& [property, value] : settings)
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(codec.get()), property.c_str()))
      gst_util_set_object_arg(G_OBJECT(codec.get()), property.c_str(), value.c_str());
}

}  // namespace

Fallback::Fallback(GstBin* bin, GstPad* sink, GstPad* src,
                   std::unique_ptr<Alternatives> alternatives)
    : bin_{bin}, sink_{sink}, src_{src}, alternatives_{std::move(alternatives)} {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
}

// Of the system: whether a codec has worked for long is a question of real time.
ClockTime Fallback::now() const {
  return ClockTime{Duration{g_get_monotonic_time() * 1000}};
}

GstPad* Fallback::inside(GstPad* ghost) const {
  auto* pad = GST_PAD_CAST(gst_proxy_pad_get_internal(GST_PROXY_PAD(ghost)));
  gst_object_unref(pad);  // lives as long as the ghost
  return pad;
}

bool Fallback::begin(const GstCaps* caps) {
  take_out();
  candidates_ = alternatives_->candidates(caps);
  succession_ = Succession{candidates_.size()};
  resting_until_.reset();
  refusals_.clear();
  succession_.begin(now());
  return install();
}

bool Fallback::install() {
  while (const auto turn = succession_.current()) {
    const auto& candidate = candidates_[*turn];
    const auto error = try_candidate(candidate);
    if (!error) {
      current_.lock()->name = candidate.name;
      GST_INFO_OBJECT(bin_, "goes with %s", candidate.name.c_str());
      gst_element_post_message(GST_ELEMENT(bin_), gst_message_new_latency(GST_OBJECT(bin_)));
      return true;
    }
    GST_INFO_OBJECT(bin_, "%s does not start: %s", candidate.name.c_str(), error->c_str());
    refusals_ += (refusals_.empty() ? "" : "; ") + candidate.name + ": " + *error;
    succession_.on_absence(now());
  }
  current_.lock()->name.clear();
  return false;
}

std::optional<std::string> Fallback::try_candidate(const Alternatives::Candidate& candidate) {
  GError* raw = nullptr;
  auto chain = GstPtr<GstElement>::sink(gst_parse_bin_from_description_full(
      candidate.description.c_str(), TRUE, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &raw));
  if (!chain) {
    const ErrorPtr error{raw};
    return error->message;
  }
  apply(chain.get(), candidate.settings);
  error_.set(std::nullopt);
  chain_ = chain;
  gst_bin_add(bin_, chain.get());
  if (caps_)
    alternatives_->prepare(chain.get(), caps_.get());
  const auto its_sink = GstPtr<GstPad>::adopt(gst_element_get_static_pad(chain.get(), "sink"));
  const auto its_src = GstPtr<GstPad>::adopt(gst_element_get_static_pad(chain.get(), "src"));
  const bool is_linked = its_sink && its_src &&
                         gst_ghost_pad_set_target(GST_GHOST_PAD(src_), its_src.get()) &&
                         gst_ghost_pad_set_target(GST_GHOST_PAD(sink_), its_sink.get());
  if (is_linked && gst_element_sync_state_with_parent(chain.get()))
    return std::nullopt;
  const auto error = error_.get();
  take_out();
  return error ? *error : is_linked ? "it can't be started" : "it does not fit";
}

void Fallback::take_out() {
  if (!chain_)
    return;
  GstElement* chain = chain_.get();
  gst_element_set_locked_state(chain, TRUE);
  gst_element_set_state(chain, GST_STATE_NULL);
  gst_ghost_pad_set_target(GST_GHOST_PAD(sink_), nullptr);
  gst_ghost_pad_set_target(GST_GHOST_PAD(src_), nullptr);
  gst_bin_remove(bin_, chain);
  chain_.reset();
}

bool Fallback::replace(const std::string& why) {
  const auto former = current_.get().name;
  take_out();
  succession_.on_failure(now());
  const bool goes_on = install();
  if (goes_on) {
    ++current_.lock()->replacements;
    GST_ELEMENT_WARNING(bin_, STREAM, FAILED,
                        ("%s has failed (%s); %s goes on in its place.", former.c_str(),
                         why.c_str(), current_.get().name.c_str()),
                        (nullptr));
    ask_for_key_frame();
    return true;
  }
  if (!has_worked_) {
    GST_ELEMENT_ERROR(bin_, STREAM, FAILED,
                      ("%s has failed (%s), and nothing else that could do its work does.",
                       former.c_str(), why.c_str()),
                      (nullptr));
    return false;
  }
  GST_ELEMENT_WARNING(bin_, STREAM, FAILED,
                      ("%s has failed (%s), and so has everything in its place; it is tried again "
                       "each second.",
                       former.c_str(), why.c_str()),
                      (nullptr));
  resting_until_ = now() + kRest;
  return false;
}

// A decoder can begin nowhere else; an encoder begins with one by itself, and its source ignores this.
void Fallback::ask_for_key_frame() {
  gst_pad_push_event(sink_,
                     gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
}

std::string Fallback::failure(GstFlowReturn flow) {
  if (const auto error = error_.get())
    return *error;
  return flow == GST_FLOW_NOT_NEGOTIATED ? "it does not take this format" : gst_flow_get_name(flow);
}

GstFlowReturn Fallback::on_buffer(GstPtr<GstBuffer> buffer) {
  if (resting_until_) {
    if (now() < *resting_until_)
      return GST_FLOW_OK;
    if (!begin(caps_.get())) {
      resting_until_ = now() + kRest;
      return GST_FLOW_OK;
    }
    ask_for_key_frame();
  }
  const auto at = to_running_time(segment_, GST_BUFFER_PTS(buffer.get()));
  while (chain_) {
    if (at)
      alternatives_->on_buffer(chain_.get(), *at);
    flow_behind_ = GST_FLOW_OK;
    auto copy = buffer;
    const auto flow = gst_pad_push(inside(sink_), copy.release());
    const bool is_its_own = is_failure(flow) && flow_behind_.load() != flow;
    if (!is_its_own && !error_.get())
      return flow;
    if (is_failure(flow_behind_))
      return flow_behind_;
    if (!replace(failure(flow)))
      return has_worked_ ? GST_FLOW_OK : GST_FLOW_ERROR;
  }
  return has_worked_ ? GST_FLOW_OK : GST_FLOW_NOT_NEGOTIATED;
}

bool Fallback::on_event(GstPtr<GstEvent> event) {
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event.get(), &segment_);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init(&segment_, GST_FORMAT_TIME);
      break;
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event.get(), &caps);
      caps_ = GstPtr<GstCaps>::share(caps);
      const auto kind = alternatives_->kind_of(caps);
      if (!chain_ || kind_ != kind) {
        const bool is_told =
            kind_ == kind;  // upstream tells its caps with each buffer until they are taken
        kind_ = kind;
        if (!begin(caps)) {
          if (is_told)
            return false;
          GST_ELEMENT_ERROR(bin_, CORE, MISSING_PLUGIN,
                            ("Nothing on this machine works for %s.", kind.c_str()),
                            ("%s", refusals_.c_str()));
          return false;
        }
      } else {
        alternatives_->prepare(chain_.get(), caps);
      }
      break;
    }
    default:
      break;
  }
  // Sticky ones are kept by the pad, and seen by whoever takes the place.
  return gst_pad_push_event(inside(sink_), event.release());
}

void Fallback::on_error(GstMessage* message) {
  GError* raw = nullptr;
  gst_message_parse_error(message, &raw, nullptr);
  const ErrorPtr error{raw};
  const GMemory<char> name{gst_object_get_name(GST_MESSAGE_SRC(message))};
  error_.set(std::string{name.get()} + ": " + error->message);
}

GstFlowReturn Fallback::pass_on(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
  has_worked_ = true;
  const auto flow = gst_proxy_pad_chain_default(pad, parent, buffer);
  flow_behind_ = flow;
  return flow;
}

void Fallback::forget() {
  take_out();
  kind_.reset();
  caps_.reset();
  resting_until_.reset();
  has_worked_ = false;
  error_.set(std::nullopt);
  gst_segment_init(&segment_, GST_FORMAT_TIME);
}

}  // namespace onair
