// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/liveness.hpp"
#include "rtcingest/publisher.hpp"

// The GObject half of elements that listen for one publisher at a time. No type is registered here, as
// several plugins have this code: an element owns a ListenElement, and install_listen_element() leads its
// virtual functions there.
namespace onair {

struct RequiredElement {
  std::string factory;
  const char* package;  // of Debian
};

// What such an element runs. It lives on a control thread; what other threads may call says so.
template <typename T>
concept PublisherSource = requires(T& source, GstMessage* error, const std::string& detail) {
  // Empty when it listens, else why it does not.
  { source.listen() } -> std::same_as<std::string>;
  // For good; also after listen() has failed.
  source.stop();
  // Ends the publisher's session, if there is one, and goes on to listen.
  source.end_session(EndReason::Application, detail);
  // Takes no more publishers, and ends the one there is with an EOS on its pads.
  source.send_eos();
  // Any thread: whether the element is PLAYING, and publishers may come.
  source.set_ready(true);
  // Any thread: an error message of an element inside the bin.
  source.on_bus_error(error);
  // Any thread.
  { source.stats() } -> std::same_as<typename T::Stats>;
};

// Posts an error that names the first that is not installed.
bool check_elements(GstElement* element, std::span<const RequiredElement> required);
void post_cannot_listen(GstElement* element, const std::string& where, const std::string& why);
// Pads of what a publisher sends: Opus on audio_%u, H.264 on video_%u.
void add_publisher_pads(GstElementClass* klass);

struct TextField {
  const char* name;
  std::string value;
};
// Logs the event, and posts it as an element message `name` with fields of the element's own.
void post_event(GstElement* element, GstDebugCategory* category, const char* name,
                const PublisherEvent& event, std::initializer_list<TextField> fields);

struct Counter {
  const char* name;
  guint64 value;
};
// The structure `name`, with counters of the element's own; the caller's.
[[nodiscard]] GstStructure* to_structure(const char* name, const PublisherStats& stats,
                                         std::initializer_list<Counter> counters);

template <PublisherSource Source>
class ListenElement {
 public:
  struct Hooks {
    const char* name = nullptr;  // of the control thread
    GstDebugCategory* category = nullptr;
    std::function<std::vector<RequiredElement>()> required_elements;
    std::function<std::string()> where;  // it listens, for the error when it cannot
    std::function<std::unique_ptr<Source>(ControlThread& control)> make_source;
    std::function<void(Source&)> on_listening;
  };

  // In the instance's init function.
  ListenElement(GstBin* element, Hooks hooks) : element_{element}, hooks_{std::move(hooks)} {
    GST_OBJECT_FLAG_SET(element, GST_ELEMENT_FLAG_SOURCE);
    gst_bin_set_suppressed_flags(element, GST_ELEMENT_FLAG_SOURCE);
  }

  // What runs from PAUSED on, null below; any thread.
  [[nodiscard]] std::shared_ptr<Source> source() {
    const auto running = running_.get();
    return running ? std::shared_ptr<Source>{running, running->source.get()} : nullptr;
  }
  [[nodiscard]] typename Source::Stats stats() {
    const auto now = source();
    return now ? now->stats() : typename Source::Stats{};
  }
  void post(const char* name, const PublisherEvent& event,
            std::initializer_list<TextField> fields = {}) {
    post_event(GST_ELEMENT(element_), hooks_.category, name, event, fields);
  }

  GstStateChangeReturn change_state(GstStateChange transition) {
    switch (transition) {
      case GST_STATE_CHANGE_NULL_TO_READY:
        if (!check_elements(GST_ELEMENT(element_), hooks_.required_elements()))
          return GST_STATE_CHANGE_FAILURE;
        break;
      case GST_STATE_CHANGE_READY_TO_PAUSED:
        if (!start())
          return GST_STATE_CHANGE_FAILURE;
        break;
      case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
        set_ready(false);
        break;
      case GST_STATE_CHANGE_PAUSED_TO_READY:
        stop();
        break;
      default:
        break;
    }
    const auto result =
        GST_ELEMENT_CLASS(parent_class())->change_state(GST_ELEMENT(element_), transition);
    if (result == GST_STATE_CHANGE_FAILURE) {
      stop();
      return result;
    }
    if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
      set_ready(true);
    // A live source has nothing to preroll with.
    const bool is_paused = transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                           transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED;
    return is_paused ? GST_STATE_CHANGE_NO_PREROLL : result;
  }

  // An EOS is what `gst-launch-1.0 -e` sends at Ctrl-C. The pads carry it on, behind the last packets.
  gboolean send_event(GstEvent* event) {
    if (GST_EVENT_TYPE(event) != GST_EVENT_EOS)
      return GST_ELEMENT_CLASS(parent_class())->send_event(GST_ELEMENT(element_), event);
    gst_event_unref(event);
    return post_work([](Source& it) { it.send_eos(); }) ? TRUE : FALSE;
  }

  // An error inside must not end the pipeline: one of webrtcbin ends its session, and one of an outlet's
  // queue says again, and less clearly, what Outlet::take_failure() tells.
  void handle_message(GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR ||
        GST_MESSAGE_SRC(message) == GST_OBJECT(element_))
      return parent_class()->handle_message(element_, message);
    const auto owned = GstPtr<GstMessage>::adopt(message);
    GST_CAT_WARNING_OBJECT(hooks_.category, element_, "error inside: %" GST_PTR_FORMAT, message);
    if (const auto now = source())
      now->on_bus_error(message);
  }

  void end_session() {
    post_work([](Source& it) {
      it.end_session(EndReason::Application, "The application ended the session.");
    });
  }

 private:
  // What runs between READY and PAUSED. Members die in the reverse order: the thread first.
  struct Running {
    std::unique_ptr<Source> source;
    std::unique_ptr<ControlThread> control;
  };

  // The elements are final and their parent is a GstBin.
  static GstBinClass* parent_class() { return GST_BIN_CLASS(g_type_class_peek(GST_TYPE_BIN)); }

  bool start() {
    const auto where = hooks_.where();
    auto running = std::make_shared<Running>();
    running->control = std::make_unique<ControlThread>(hooks_.name);
    running->source = hooks_.make_source(*running->control);
    std::string error;
    running->control->run([&] {
      error = running->source->listen();
      if (!error.empty())
        running->source->stop();
    });
    if (!error.empty()) {
      running->control.reset();
      post_cannot_listen(GST_ELEMENT(element_), where, error);
      return false;
    }
    running_.set(running);
    hooks_.on_listening(*running->source);
    return true;
  }

  void stop() {
    const auto running = running_.get();
    if (!running)
      return;
    running->control->run([&] { running->source->stop(); });
    running_.set(nullptr);
    running->control->stop();  // others may still hold it, and what they post is dropped
  }

  void set_ready(bool is_ready) {
    if (const auto now = source())
      now->set_ready(is_ready);
  }

  bool post_work(void (*work)(Source&)) {
    const auto running = running_.get();
    if (running)
      running->control->post([running, work] { work(*running->source); });
    return running != nullptr;
  }

  GstBin* const element_;  // that owns us
  const Hooks hooks_;
  Guarded<std::shared_ptr<Running>> running_;
};

// For the class of an Element that has a ListenElement as priv->listen: virtual functions, pads, and the action
// signal "end-session".
template <typename Element>
void install_listen_element(gpointer klass) {
  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = [](GstElement* element, GstStateChange transition) {
    return reinterpret_cast<Element*>(element)->priv->listen.change_state(transition);
  };
  element_class->send_event = [](GstElement* element, GstEvent* event) {
    return reinterpret_cast<Element*>(element)->priv->listen.send_event(event);
  };
  GST_BIN_CLASS(klass)->handle_message = [](GstBin* bin, GstMessage* message) {
    reinterpret_cast<Element*>(bin)->priv->listen.handle_message(message);
  };
  const auto end_session = +[](Element* element) { element->priv->listen.end_session(); };
  g_signal_new_class_handler("end-session", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(end_session), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  add_publisher_pads(element_class);
}

}  // namespace onair
