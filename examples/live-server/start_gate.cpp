// SPDX-License-Identifier: LGPL-2.1-or-later
#include "start_gate.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <gst/video/video.h>

namespace live {

struct StartGate::State {
  std::mutex mutex;
  std::condition_variable opened;
  bool is_open = false;
  int passed = 0;  // pictures

  void open() {
    const std::lock_guard lock{mutex};
    is_open = true;
    opened.notify_all();
  }
};

StartGate::StartGate(const onair::GstPtr<GstPad>& pictures,
                     const std::vector<onair::GstPtr<GstPad>>& ends)
    : state_{std::make_shared<State>()} {
  const auto forget = +[](gpointer data) { delete static_cast<std::shared_ptr<State>*>(data); };
  gst_pad_add_probe(pictures.get(), GST_PAD_PROBE_TYPE_BUFFER, &StartGate::on_picture,
                    new std::shared_ptr<State>{state_}, forget);
  for (const auto& end : ends)
    gst_pad_add_probe(end.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, &StartGate::on_request,
                      new std::shared_ptr<State>{state_}, forget);
}

StartGate::~StartGate() {
  state_->open();
}

GstPadProbeReturn StartGate::on_picture(GstPad*, GstPadProbeInfo*, gpointer data) {
  const auto state = *static_cast<std::shared_ptr<State>*>(data);
  std::unique_lock lock{state->mutex};
  if (++state->passed <= kAtOnce)
    return GST_PAD_PROBE_OK;
  state->opened.wait_for(lock, std::chrono::nanoseconds{kMostWait}, [&] { return state->is_open; });
  return GST_PAD_PROBE_REMOVE;
}

GstPadProbeReturn StartGate::on_request(GstPad*, GstPadProbeInfo* info, gpointer data) {
  if (!gst_video_event_is_force_key_unit(gst_pad_probe_info_get_event(info)))
    return GST_PAD_PROBE_OK;
  (*static_cast<std::shared_ptr<State>*>(data))->open();
  return GST_PAD_PROBE_REMOVE;
}

}  // namespace live
