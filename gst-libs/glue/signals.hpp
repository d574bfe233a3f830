// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

// Signals and callbacks that may arrive from another thread, after their receiver is gone: what is
// connected is a weak reference, and the handler asks for a strong one before it does anything.
namespace onair {

template <typename T>
void delete_weak(gpointer data) {
  delete static_cast<std::weak_ptr<T>*>(data);
}

// Connects `handler`, a C function whose last argument receives what strong_from<T>() understands.
template <typename T>
gulong connect_weak(gpointer instance, const char* signal, GCallback handler,
                    const std::shared_ptr<T>& receiver) {
  const auto destroy = [](gpointer data, GClosure*) { delete_weak<T>(data); };
  return g_signal_connect_data(instance, signal, handler, new std::weak_ptr<T>{receiver}, destroy,
                               GConnectFlags{});
}

// The same for a pad probe, whose user data is what strong_from<T>() understands.
template <typename T>
gulong add_probe_weak(GstPad* pad, GstPadProbeType type, GstPadProbeCallback handler,
                      const std::shared_ptr<T>& receiver) {
  return gst_pad_add_probe(pad, type, handler, new std::weak_ptr<T>{receiver}, delete_weak<T>);
}

// Inside such a handler: the receiver, or null when it is gone.
template <typename T>
std::shared_ptr<T> strong_from(gpointer data) {
  return static_cast<std::weak_ptr<T>*>(data)->lock();
}

// A promise that calls `then(receiver, promise)` on the thread that answers it, unless the receiver
// is gone by then. The caller owns the returned reference.
template <typename T, void (*then)(const std::shared_ptr<T>&, GstPromise*)>
GstPromise* promise_weak(const std::shared_ptr<T>& receiver) {
  const auto changed = [](GstPromise* promise, gpointer data) {
    if (const auto strong = strong_from<T>(data))
      then(strong, promise);
  };
  return gst_promise_new_with_change_func(changed, new std::weak_ptr<T>{receiver}, delete_weak<T>);
}

}  // namespace onair
