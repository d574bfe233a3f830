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

GstPadProbeReturn accept_all_caps(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstQuery* query = gst_pad_probe_info_get_query(info);
  if (GST_QUERY_TYPE(query) != GST_QUERY_ACCEPT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_query_set_accept_caps_result(query, TRUE);
  return GST_PAD_PROBE_HANDLED;
}

std::shared_ptr<Outlet> Outlet::create(Config config, GstPad* source) {
  std::shared_ptr<Outlet> outlet{new Outlet{std::move(config)}};
  const auto& settings = outlet->config_;
  const bool is_layer = !settings.rid.empty();
  const auto make = [](const char* factory) {
    return GstPtr<GstElement>::sink(gst_element_factory_make(factory, nullptr));
  };
  outlet->guard_ = make("errorignore");
  outlet->queue_ = make("queue");
  if (is_layer)
    outlet->funnel_ = make("funnel");
  GstElement* guard = outlet->guard_.get();
  GstElement* queue = outlet->queue_.get();
  GstElement* funnel = outlet->funnel_.get();
  if (!guard || !queue || (is_layer && !funnel))
    return nullptr;
  g_object_set(guard, "ignore-error", TRUE, "ignore-notlinked", TRUE, "ignore-notnegotiated", TRUE,
               "ignore-eos", TRUE, nullptr);
  gst_util_set_object_arg(G_OBJECT(guard), "convert-to", "ok");
  // Until the first packet has left, a queue takes all the time since the segment's start for its own, and
  // would drop a late publisher's first packets, parameter sets and all.
  g_object_set(queue, "max-size-time", guint64{0}, "max-size-buffers", 0u, "max-size-bytes",
               kHoldBytes, nullptr);
  gst_util_set_object_arg(G_OBJECT(queue), "leaky", "downstream");

  gst_bin_add_many(settings.bin, guard, queue, funnel, nullptr);
  gst_element_link(guard, queue);
  if (is_layer)
    gst_element_link(funnel, guard);
  const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(guard, "sink"));
  const auto held = GstPtr<GstPad>::adopt(gst_element_get_static_pad(queue, "sink"));
  gst_pad_add_probe(held.get(), GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, accept_all_caps, nullptr,
                    nullptr);
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
      gst_ghost_pad_new_from_template(settings.pad_name.c_str(), out.get(), settings.pad_template));
  gst_pad_set_active(outlet->ghost_.get(), TRUE);
  gst_element_sync_state_with_parent(queue);
  gst_element_sync_state_with_parent(guard);
  if (is_layer) {
    gst_element_sync_state_with_parent(funnel);
    outlet->join(source);
  } else {
    gst_pad_link(source, in.get());
  }
  // Sticky events must be on the pad before applications see it: they look at its caps.
  const auto copy = [](GstPad*, GstEvent** event, gpointer data) -> gboolean {
    const auto* self = static_cast<Outlet*>(data);
    gst_pad_store_sticky_event(self->ghost_.get(), self->with_rid(*event).get());
    return TRUE;
  };
  gst_pad_sticky_events_foreach(source, copy, outlet.get());
  gst_element_add_pad(GST_ELEMENT(settings.bin), outlet->ghost_.get());
  return outlet;
}

// A pad that is replaced stays linked: what still comes from it finds its way, and an unlinked one would
// end the session.
void Outlet::join(GstPad* source) {
  const auto in = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(funnel_.get(), "sink_%u"));
  gst_pad_link(source, in.get());
}

// Caps with the field `rid`, by which consumers know their layer; any other event as it is.
GstPtr<GstEvent> Outlet::with_rid(GstEvent* event) const {
  if (config_.rid.empty() || GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return GstPtr<GstEvent>::share(event);
  GstCaps* plain = nullptr;
  gst_event_parse_caps(event, &plain);
  const auto caps = GstPtr<GstCaps>::adopt(gst_caps_copy(plain));
  gst_caps_set_simple(caps.get(), "rid", G_TYPE_STRING, config_.rid.c_str(), nullptr);
  auto* named = gst_event_new_caps(caps.get());
  gst_event_set_seqnum(named, gst_event_get_seqnum(event));
  return GstPtr<GstEvent>::adopt(named);
}

// Streaming thread of the queue.
GstPadProbeReturn Outlet::on_event(GstPad*, GstPadProbeInfo* info, gpointer data) {
  GstEvent* event = gst_pad_probe_info_get_event(info);
  const auto self = strong_from<Outlet>(data);
  if (is_end_mark(event)) {
    if (self)
      self->has_passed_mark_ = true;
    return GST_PAD_PROBE_DROP;
  }
  if (self) {
    GST_PAD_PROBE_INFO_DATA(info) = self->with_rid(event).release();
    gst_event_unref(event);
  }
  return GST_PAD_PROBE_OK;
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
  for (GstElement* element : {funnel_.get(), guard_.get(), queue_.get()}) {
    if (!element)
      continue;
    gst_element_set_locked_state(element, TRUE);
    gst_element_set_state(element, GST_STATE_NULL);
  }
  gst_element_remove_pad(GST_ELEMENT(config_.bin), ghost_.get());
  gst_bin_remove_many(config_.bin, guard_.get(), queue_.get(), funnel_.get(), nullptr);
  funnel_.reset();
  guard_.reset();
  queue_.reset();
  ghost_.reset();
}

void DrainingOutlets::add(std::vector<std::shared_ptr<Outlet>> outlets) {
  outlets_.insert(outlets_.end(), outlets.begin(), outlets.end());
}

void DrainingOutlets::tick() {
  std::erase_if(outlets_, [](const auto& outlet) {
    const bool is_drained = outlet->is_drained();
    if (is_drained)
      outlet->remove();
    return is_drained;
  });
}

void DrainingOutlets::remove_all() {
  for (const auto& outlet : outlets_)
    outlet->remove();
  outlets_.clear();
}

}  // namespace onair
