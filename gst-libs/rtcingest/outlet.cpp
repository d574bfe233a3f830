// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/outlet.hpp"

#include "glue/signals.hpp"

namespace onair {
namespace {

constexpr const char* kEndMark = "onair-outlet-end";

bool is_end_mark(GstEvent* event) {
  return GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_DOWNSTREAM &&
         gst_event_has_name(event, kEndMark);
}

}  // namespace

std::shared_ptr<Outlet> Outlet::create(GstBin* bin, GstPad* source, const std::string& pad_name,
                                       GstPadTemplate* pad_template) {
  std::shared_ptr<Outlet> outlet{new Outlet{bin}};
  outlet->guard_ = GstPtr<GstElement>::sink(gst_element_factory_make("errorignore", nullptr));
  outlet->queue_ = GstPtr<GstElement>::sink(gst_element_factory_make("queue", nullptr));
  GstElement* guard = outlet->guard_.get();
  GstElement* queue = outlet->queue_.get();
  if (!guard || !queue)
    return nullptr;
  g_object_set(guard, "ignore-error", TRUE, "ignore-notlinked", TRUE, "ignore-notnegotiated", TRUE,
               "ignore-eos", TRUE, nullptr);
  gst_util_set_object_arg(G_OBJECT(guard), "convert-to", "ok");
  // Until the first packet has left, a queue takes all the time since the segment's start for its own, and
  // would drop a late publisher's first packets, parameter sets and all.
  g_object_set(queue, "max-size-time", guint64{0}, "max-size-buffers", 0u, "max-size-bytes",
               kHoldBytes, nullptr);
  gst_util_set_object_arg(G_OBJECT(queue), "leaky", "downstream");

  gst_bin_add_many(bin, guard, queue, nullptr);
  gst_element_link(guard, queue);
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(queue, "src"));
  add_probe_weak(out.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, &Outlet::on_event, outlet);
  const auto on_first = [](GstPad* pad, GstPadProbeInfo*, gpointer) -> GstPadProbeReturn {
    const auto owner = GstPtr<GstElement>::adopt(gst_pad_get_parent_element(pad));
    if (owner)
      g_object_set(owner.get(), "max-size-time", kHold, "max-size-bytes", 0u, nullptr);
    return GST_PAD_PROBE_REMOVE;
  };
  constexpr auto kData =
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST);
  gst_pad_add_probe(out.get(), kData, on_first, nullptr, nullptr);
  outlet->ghost_ = GstPtr<GstPad>::sink(
      gst_ghost_pad_new_from_template(pad_name.c_str(), out.get(), pad_template));
  gst_pad_set_active(outlet->ghost_.get(), TRUE);
  gst_element_sync_state_with_parent(queue);
  gst_element_sync_state_with_parent(guard);
  const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(guard, "sink"));
  gst_pad_link(source, in.get());
  // Sticky events must be on the pad before applications see it: they look at its caps.
  const auto copy = [](GstPad*, GstEvent** event, gpointer pad) -> gboolean {
    gst_pad_store_sticky_event(GST_PAD(pad), *event);
    return TRUE;
  };
  gst_pad_sticky_events_foreach(source, copy, outlet->ghost_.get());
  gst_element_add_pad(GST_ELEMENT(bin), outlet->ghost_.get());
  return outlet;
}

// Streaming thread of the queue.
GstPadProbeReturn Outlet::on_event(GstPad*, GstPadProbeInfo* info, gpointer data) {
  GstEvent* event = gst_pad_probe_info_get_event(info);
  if (!is_end_mark(event))
    return GST_PAD_PROBE_OK;
  if (const auto self = strong_from<Outlet>(data))
    self->has_passed_mark_ = true;
  return GST_PAD_PROBE_DROP;
}

std::optional<GstFlowReturn> Outlet::take_failure() {
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(queue_.get(), "src"));
  const auto flow = gst_pad_get_last_flow_return(out.get());
  if (has_told_failure_ || (flow != GST_FLOW_NOT_NEGOTIATED && flow != GST_FLOW_ERROR))
    return std::nullopt;
  has_told_failure_ = true;
  return flow;
}

void Outlet::close(bool send_eos) {
  // A queue whose consumer takes nothing answers an EOS with an error message of its own.
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(queue_.get(), "src"));
  if (gst_pad_get_last_flow_return(out.get()) != GST_FLOW_OK) {
    has_passed_mark_ = true;
    return;
  }
  const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(queue_.get(), "sink"));
  GstEvent* last = send_eos ? gst_event_new_eos()
                            : gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                   gst_structure_new_empty(kEndMark));
  if (!gst_pad_send_event(in.get(), last))
    has_passed_mark_ = true;  // nobody takes anything: not linked, failed or flushing
}

bool Outlet::is_drained() const {
  if (has_passed_mark_)
    return true;
  // A queue pauses its task when the EOS has been taken downstream, and when nothing is taken any
  // more: either way there is nothing left to wait for.
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(queue_.get(), "src"));
  return gst_pad_get_task_state(out.get()) != GST_TASK_STARTED;
}

void Outlet::remove() {
  if (!queue_)
    return;
  gst_pad_set_active(ghost_.get(), FALSE);
  for (GstElement* element : {guard_.get(), queue_.get()}) {
    gst_element_set_locked_state(element, TRUE);
    gst_element_set_state(element, GST_STATE_NULL);
  }
  gst_element_remove_pad(GST_ELEMENT(bin_), ghost_.get());
  gst_bin_remove_many(bin_, guard_.get(), queue_.get(), nullptr);
  guard_.reset();
  queue_.reset();
  ghost_.reset();
}

}  // namespace onair
