// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/listen_element.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

namespace onair {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What the element asked of its source, and what the source is to answer.
struct Script {
  std::string why_not;
  std::string required = "bin";  // is there without a registry
  struct Calls {
    std::vector<std::string> names;
    bool is_on_control_thread = true;  // where they belong there
  };
  Guarded<Calls> calls;

  std::vector<std::string> names() { return calls.get().names; }
};
Script* script = nullptr;

class ScriptedSource {
 public:
  struct Stats {
    PublisherStats publisher;
    guint64 refused = 0;
  };

  explicit ScriptedSource(ControlThread& control) : control_{control} {}
  std::string listen() {
    note("listen");
    return script->why_not;
  }
  void stop() { note("stop"); }
  void end_session(EndReason reason, const std::string&) {
    note(std::string{"end "} + to_string(reason));
  }
  void send_eos() { note("eos"); }
  void set_ready(bool is_ready) {
    script->calls.lock()->names.emplace_back(is_ready ? "ready" : "not ready");
  }
  void on_bus_error(GstMessage*) { script->calls.lock()->names.emplace_back("error"); }
  [[nodiscard]] Stats stats() const {
    return {.publisher = {.session_id = "one", .sessions = 1, .streams = {}}, .refused = 2};
  }

 private:
  void note(std::string name) {
    const auto calls = script->calls.lock();
    calls->names.push_back(std::move(name));
    calls->is_on_control_thread &= control_.is_current();
  }

  ControlThread& control_;
};

struct Private {
  ListenElement<ScriptedSource> listen;
};

}  // namespace
}  // namespace onair

struct ScriptedElement {
  GstBin parent;
  onair::Private* priv;
};
struct ScriptedElementClass {
  GstBinClass parent_class;
};
G_DEFINE_TYPE(ScriptedElement, scripted_element, GST_TYPE_BIN)

static void scripted_element_init(ScriptedElement* self) {
  using onair::script;
  self->priv = new onair::Private{
      .listen{GST_BIN(self),
              {.name = "scripted",
               .category = GST_CAT_DEFAULT,
               .required_elements =
                   [] {
                     return std::vector<onair::RequiredElement>{{script->required, "a-package"}};
                   },
               .where = [] { return "127.0.0.1:1"; },
               .make_source =
                   [](onair::ControlThread& control) {
                     return std::make_unique<onair::ScriptedSource>(control);
                   },
               .on_listening =
                   [](const auto&) { script->calls.lock()->names.emplace_back("listening"); }}}};
}

static void scripted_element_class_init(ScriptedElementClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = [](GObject* object) {
    delete reinterpret_cast<ScriptedElement*>(object)->priv;
    G_OBJECT_CLASS(scripted_element_parent_class)->finalize(object);
  };
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Scripted", "Source", "For tests",
                                        "the gst-onair developers");
  onair::install_listen_element<ScriptedElement>(klass);
}

namespace onair {
namespace {

class ListenElementTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
  ListenElementTest() {
    script = &script_;
    element_ =
        GstPtr<GstElement>::sink(GST_ELEMENT(g_object_new(scripted_element_get_type(), nullptr)));
    bus_ = GstPtr<GstBus>::adopt(gst_bus_new());
    gst_element_set_bus(element_.get(), bus_.get());
  }
  ~ListenElementTest() override {
    set_state(GST_STATE_NULL);
    gst_element_set_bus(element_.get(), nullptr);
  }
  GstStateChangeReturn set_state(GstState state) {
    return gst_element_set_state(element_.get(), state);
  }
  // The sentence of the error that the application gets.
  std::string error() {
    const auto message =
        GstPtr<GstMessage>::adopt(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ERROR));
    if (!message)
      return {};
    GError* raw = nullptr;
    gst_message_parse_error(message.get(), &raw, nullptr);
    return ErrorPtr {
      raw
      } -> message;
  }
  // What the element has posted of its publisher.
  std::string message() {
    const auto message =
        GstPtr<GstMessage>::adopt(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ELEMENT));
    if (!message)
      return {};
    const GMemory<char> text{gst_structure_to_string(gst_message_get_structure(message.get()))};
    return text.get();
  }
  [[nodiscard]] GstElement* element() const { return element_.get(); }
  auto& listen() { return reinterpret_cast<ScriptedElement*>(element_.get())->priv->listen; }

  Script script_;

 private:
  GstPtr<GstElement> element_;
  GstPtr<GstBus> bus_;
};

TEST_F(ListenElementTest, ListensFromPausedOnAndTakesPublishersWhilePlaying) {
  EXPECT_EQ(set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_FALSE(listen().source());
  EXPECT_EQ(set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  EXPECT_TRUE(listen().source());
  EXPECT_EQ(set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  EXPECT_EQ(set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_FALSE(listen().source());
  EXPECT_THAT(script_.names(), ElementsAre("listen", "listening", "ready", "not ready", "stop"));
  EXPECT_TRUE(script_.calls.get().is_on_control_thread);
}

TEST_F(ListenElementTest, WhatIsAskedWhileItRunsHappensOnTheControlThread) {
  set_state(GST_STATE_PAUSED);
  g_signal_emit_by_name(element(), "end-session");
  EXPECT_TRUE(gst_element_send_event(element(), gst_event_new_eos()));
  set_state(GST_STATE_READY);  // behind both
  EXPECT_THAT(script_.names(),
              ElementsAre("listen", "listening", "end application", "eos", "stop"));
  EXPECT_TRUE(script_.calls.get().is_on_control_thread);
}

TEST_F(ListenElementTest, WhileItDoesNotRunThereIsNobodyToAsk) {
  set_state(GST_STATE_READY);
  g_signal_emit_by_name(element(), "end-session");
  EXPECT_FALSE(gst_element_send_event(element(), gst_event_new_eos()));
  EXPECT_THAT(script_.names(), ElementsAre());
}

TEST_F(ListenElementTest, ItSaysWhyItCannotListenAndStaysInReady) {
  script_.why_not = "Address already in use";
  EXPECT_EQ(set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(error(),
            "Cannot listen on 127.0.0.1:1: Address already in use. Choose another address or "
            "port.");
  EXPECT_FALSE(listen().source());
  EXPECT_THAT(script_.names(), ElementsAre("listen", "stop"));
}

TEST_F(ListenElementTest, AMissingElementIsNamedWithItsPackage) {
  script_.required = "nosuchelement";
  EXPECT_EQ(set_state(GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(error(), "The element 'nosuchelement' is not installed; on Debian, install a-package.");
}

TEST_F(ListenElementTest, AnErrorInsideReachesTheSourceAndNotTheApplication) {
  auto* inside = gst_bin_new("inside");
  ASSERT_TRUE(gst_bin_add(GST_BIN(element()), inside));
  set_state(GST_STATE_PAUSED);
  GST_ELEMENT_ERROR(inside, STREAM, FAILED, ("Broken."), (nullptr));
  EXPECT_EQ(error(), "");
  EXPECT_THAT(script_.names(), ElementsAre("listen", "listening", "error"));
}

TEST_F(ListenElementTest, ItsOwnErrorReachesTheApplication) {
  set_state(GST_STATE_PAUSED);
  GST_ELEMENT_ERROR(element(), STREAM, FAILED, ("Broken."), (nullptr));
  EXPECT_EQ(error(), "Broken.");
}

TEST_F(ListenElementTest, StatsAreEmptyWhileItDoesNotRun) {
  EXPECT_EQ(listen().stats().refused, 0u);
  set_state(GST_STATE_PAUSED);
  EXPECT_EQ(listen().stats().refused, 2u);
}

TEST_F(ListenElementTest, AMessageHasTheElementsOwnFieldsAmongTheCommonOnes) {
  listen().post("x-session",
                {.kind = PublisherEvent::Kind::Connected,
                 .session_id = "one",
                 .remote_address = "192.0.2.1",
                 .user_agent = "browser",
                 .has_audio = true,
                 .layers = {},
                 .detail = {}},
                {{"role", "sendonly"}});
  EXPECT_EQ(message(),
            "x-session, state=(string)connected, session-id=(string)one, role=(string)sendonly, "
            "remote-address=(string)192.0.2.1, user-agent=(string)browser, audio=(boolean)true, "
            "video=(boolean)false;");
}

TEST_F(ListenElementTest, TheMessageOfAnEndSaysWhy) {
  listen().post("x-session", {.kind = PublisherEvent::Kind::Ended,
                              .session_id = "one",
                              .remote_address = {},
                              .user_agent = {},
                              .layers = "h;l",
                              .reason = EndReason::IdleTimeout,
                              .detail = "Gone."});
  EXPECT_THAT(message(), HasSubstr("layers=(string)\"h\\;l\", reason=(string)idle-timeout, "
                                   "detail=(string)Gone.;"));
}

std::string text_of(const PublisherStats& stats) {
  const StructurePtr structure{to_structure("stats", stats, {{"refused", 2}})};
  const GMemory<char> text{gst_structure_to_string(structure.get())};
  return text.get();
}

TEST_F(ListenElementTest, StatsSayWhetherSomebodyPublishes) {
  PublisherStats stats;
  EXPECT_EQ(text_of(stats),
            "stats, state=(string)idle, session-id=(string)\"\", sessions=(guint64)0, "
            "refused=(guint64)2;");
  stats.session_id = "one";
  EXPECT_THAT(text_of(stats), HasSubstr("state=(string)connecting, session-id=(string)one"));
  stats.is_connected = true;
  EXPECT_THAT(text_of(stats), HasSubstr("state=(string)connected"));
}

TEST_F(ListenElementTest, StreamsAreNamedByTheirKindAndLayersByTheirPad) {
  PublisherStats stats;
  stats.streams.push_back({.kind = MediaKind::Audio, .pad_name = "audio_0", .rid = {}});
  stats.streams.push_back({.kind = MediaKind::Video, .pad_name = "video_1", .rid = "l"});
  const StructurePtr structure{to_structure("stats", stats, {})};
  EXPECT_TRUE(gst_structure_has_field(structure.get(), "audio"));
  EXPECT_TRUE(gst_structure_has_field(structure.get(), "video_1"));
  EXPECT_FALSE(gst_structure_has_field(structure.get(), "video"));
}

}  // namespace
}  // namespace onair
