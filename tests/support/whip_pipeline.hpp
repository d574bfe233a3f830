// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gst/check/gsttestclock.h>
#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "pad_sink.hpp"

namespace onair::test {

// A pipeline with one whiplistensrc and, for each of its pads, the consumer that the test wants.
// The endpoint takes any free port and the token "secret".
class WhipPipeline {
 public:
  // Which consumer the pad gets; none: it stays unlinked.
  using Choice = std::function<std::optional<PadSink::Manner>(const std::string& pad_name)>;

  // `properties` as in a gst-launch line: "send-eos=true idle-timeout=500000000". `consumers` is the
  // rest of that line, in which the element is called "whip"; the pads that it links are passed over.
  explicit WhipPipeline(const std::string& properties = {}, Choice choice = {},
                        const std::string& consumers = {});
  virtual ~WhipPipeline();
  WhipPipeline(const WhipPipeline&) = delete;
  WhipPipeline& operator=(const WhipPipeline&) = delete;

  // From now on time passes only when the test says so. To be called before PLAYING.
  void use_test_clock();
  void advance_clock(GstClockTime by);

  // Sets the state and waits for it; a state that is not reached in kPatience aborts the test, since
  // nothing can be taken down then.
  GstStateChangeReturn reach(GstState state);
  GstStateChangeReturn set_state(GstState state) {
    return gst_element_set_state(pipeline(), state);
  }
  [[nodiscard]] GstElement* pipeline() const { return pipeline_.get(); }
  [[nodiscard]] GstElement* element() const { return element_.get(); }
  [[nodiscard]] guint port() const;
  [[nodiscard]] std::string base_url() const;  // http://127.0.0.1:PORT
  [[nodiscard]] std::string url() const { return base_url() + "/whip"; }

  // The next whip-session message with this state (others are passed over); empty after kPatience.
  StructurePtr wait_for_session(const std::string& state);
  // "<state>" or "<state>: <reason>" of the next whip-session message, whichever it is.
  std::string next_session_message();
  // The error message that the bus brings next; empty when it does not come.
  std::string wait_for_error();
  // The error messages so far.
  std::vector<std::string> errors();
  bool wait_for_eos();

  // The consumer of a pad, once the pad has appeared and been linked; null when it does not come.
  std::shared_ptr<PadSink> wait_for_pad(const std::string& name);
  bool wait_for_appearance(const std::string& name);
  // Whether there is no such pad any more; to be asked when the session has ended.
  bool wait_until_gone(const std::string& name);
  // Names of pads: "+audio_0", "-audio_0", in the order in which they came and went.
  std::vector<std::string> pad_history();
  StructurePtr stats();

 protected:
  // Another element that listens, its part of the launch line and the name of its messages. In the line, it is
  // called "whip" all the same.
  struct Kind {
    std::string head;
    std::string message;
  };
  WhipPipeline(Kind kind, const std::string& properties, Choice choice,
               const std::string& consumers);

 private:
  static void on_pad_added(GstElement* element, GstPad* pad, gpointer data);
  static void on_pad_removed(GstElement* element, GstPad* pad, gpointer data);
  GstPtr<GstMessage> wait_for_message(const std::function<bool(GstMessage*)>& is_wanted);

  const Kind kind_;
  const Choice choice_;
  GstPtr<GstElement> pipeline_;
  GstPtr<GstElement> element_;
  GstPtr<GstBus> bus_;
  GstPtr<GstTestClock> clock_;
  std::vector<std::string> errors_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<PadSink>> sinks_;
  std::vector<std::shared_ptr<PadSink>> all_sinks_;
  std::vector<std::string> history_;
  bool is_ending_ = false;
};

// A field of a structure as text; empty when it is not there.
std::string text_field(const GstStructure* structure, const char* name);
guint64 uint64_field(const GstStructure* structure, const char* name);

}  // namespace onair::test
