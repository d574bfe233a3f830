// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gst/check/gsttestclock.h>
#include <gst/gst.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"
#include "glue/rtp_metas.hpp"

namespace onair::test {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kPatience{30};  // for what surely comes, under sanitizers too

constexpr guint32 kAudioSsrc = 0x0a0d'1000;
constexpr guint32 kVideoSsrc = 0x71de'0000;
constexpr guint32 kOtherSsrc = 0x8765'4321;
// RTP time begins anywhere.
constexpr Duration kAudioMedia{5000s};
constexpr Duration kVideoMedia{70'000s};
constexpr Duration kAudioSpacing{20ms};
constexpr Duration kVideoSpacing{40ms};
// How long a stream is held at its start, and what the element adds to the latency.
constexpr Duration kStartHold{800ms};
constexpr Duration kLatency{1s};
// Of media that wait for downstream.
constexpr Duration kMostWaiting{2s};

constexpr GstClockTime ns(Duration duration) {
  return static_cast<GstClockTime>(duration.count());
}

// A packet or a frame to be made: the n-th of its stream, captured n spacings after the first.
struct TestUnit {
  std::int64_t n = 0;
  Duration media{0};     // on the sender's media clock
  Duration arrival{0};   // running time
  GstClockTime pts = 0;  // in the segment
  GstClockTime dts = GST_CLOCK_TIME_NONE;
  std::optional<Duration> ntp;
  RtpMetas::NtpSource ntp_source = RtpMetas::NtpSource::Report;
  guint32 ssrc = 0;
  guint32 clock_rate = 0;
  bool has_metas = true;

  TestUnit& late(Duration by) {
    arrival += by;
    pts += ns(by);
    return *this;
  }
  TestUnit& without_metas() {
    has_metas = false;
    return *this;
  }
  TestUnit& of(guint32 other_ssrc) {
    ssrc = other_ssrc;
    return *this;
  }
};

class AlignerBench;

// One pair of pads: what feeds the sink pad, and a recorder of all that comes out of the source pad.
class AlignerStream {
 public:
  struct Item {
    GstPtr<GstBuffer> buffer;
    GstPtr<GstEvent> event;
    std::string name;  // "#7" for the seventh unit, else what kind of event
  };

  AlignerStream(AlignerBench& bench, GstPad* sink);
  ~AlignerStream();
  AlignerStream(const AlignerStream&) = delete;
  AlignerStream& operator=(const AlignerStream&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }  // of the sink pad
  [[nodiscard]] bool is_audio() const { return name_.rfind("audio", 0) == 0; }
  [[nodiscard]] GstPad* in() const { return in_.get(); }    // the element's sink pad
  [[nodiscard]] GstPad* out() const { return out_.get(); }  // the element's source pad
  [[nodiscard]] GstPad* feeder() const { return feeder_.get(); }
  [[nodiscard]] GstPad* recorder() const { return recorder_.get(); }
  void unlink();

  // stream-start, caps and segment, as at the start of each stream. Empty: the caps of its kind.
  void open(const std::string& caps = {});
  void push_caps(const std::string& caps);
  void push_segment(GstClockTime start, GstClockTime base);
  bool push_event(GstEvent* event) { return gst_pad_push_event(feeder(), event) != FALSE; }
  bool push_custom(const char* name);

  // The n-th unit as it comes without any trouble: it arrives when it was captured.
  [[nodiscard]] TestUnit unit(std::int64_t n) const;
  // Time goes on to the unit's arrival, and then it comes.
  GstFlowReturn push(const TestUnit& unit);
  GstFlowReturn push(std::int64_t n) { return push(unit(n)); }
  void push_all(std::int64_t from, std::int64_t to);
  // Without moving the clock; for threads of their own.
  GstFlowReturn push_now(const TestUnit& unit);

  // What came out.
  bool wait(const std::function<bool(const std::vector<Item>&)>& is_true);
  bool wait_for_buffers(std::size_t count);
  bool wait_for(const std::string& name);
  [[nodiscard]] std::vector<Item> items();
  [[nodiscard]] std::vector<Item> buffers();
  [[nodiscard]] std::string order();  // names: "stream-start caps segment onair-timeline #0 #1"
  [[nodiscard]] Duration pts(std::int64_t n);  // of the n-th unit; a failure where it is missing
  [[nodiscard]] GstPtr<GstBuffer> buffer(std::int64_t n);
  [[nodiscard]] std::vector<GstPtr<GstEvent>> events(const std::string& name);
  void forget();

  // How downstream answers.
  void answer_buffers_with(GstFlowReturn flow);
  void block();
  bool wait_until_blocked();
  void unblock();
  std::function<bool(GstQuery*)> answer_query;  // to be set before anything flows

  // What went upstream.
  [[nodiscard]] std::vector<GstPtr<GstEvent>> upstream(GstEventType type);

 private:
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query);
  static gboolean on_upstream_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_upstream_query(GstPad* pad, GstObject* parent, GstQuery* query);
  void note(Item item);

  AlignerBench& bench_;
  std::string name_;
  GstPtr<GstPad> in_;
  GstPtr<GstPad> out_;
  GstPtr<GstPad> feeder_;
  GstPtr<GstPad> recorder_;
  RtpMetas metas_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> items_;
  std::vector<GstPtr<GstEvent>> upstream_;
  GstFlowReturn flow_ = GST_FLOW_OK;
  bool blocks_ = false;
  bool is_blocked_ = false;
};

// One avaligner with a clock that stands still until the test moves it.
class AlignerBench {
 public:
  enum class Start { Playing, Ready };

  // `properties` as in a gst-launch line: "sr-trust=never video-lag=40000000".
  explicit AlignerBench(const std::string& properties = {}, Start start = Start::Playing);
  ~AlignerBench();
  AlignerBench(const AlignerBench&) = delete;
  AlignerBench& operator=(const AlignerBench&) = delete;

  [[nodiscard]] GstElement* element() const { return element_.get(); }
  GstStateChangeReturn set_state(GstState state);
  // Asks for the pad and links both of the pair. Playing: and opens the stream.
  AlignerStream& add(const char* name, const std::string& caps = {});
  // The stream is without pads then.
  void give_back(const AlignerStream& stream);
  // Gives the pad back if that has not happened yet; the stream is gone.
  void release(AlignerStream& stream);

  // The clock. Running time.
  void set_time(Duration running_time);
  void end_due_waits();
  // The instant that the element waits for, once it does wait for one that is still to come.
  Duration wait_for_deadline();
  // Moves the clock to that instant.
  Duration crank();

  // Messages on the bus of this name so far.
  std::vector<GstPtr<GstMessage>> messages(const char* name);
  bool wait_for_error();
  StructurePtr stats();
  StructurePtr stats(const AlignerStream& stream);
  guint64 count(const AlignerStream& stream, const char* field);  // a guint64 of its stats
  void set(const char* property, const char* value) {
    gst_util_set_object_arg(G_OBJECT(element()), property, value);
  }

 private:
  GstPtr<GstTestClock> clock_;
  GstPtr<GstElement> element_;
  GstPtr<GstBus> bus_;
  std::vector<std::unique_ptr<AlignerStream>> streams_;
  std::vector<GstPtr<GstMessage>> messages_;
};

// Fields of a structure, with failures of the test where they are missing.
guint64 uint64_of(const GstStructure* structure, const char* field);
gint64 int64_of(const GstStructure* structure, const char* field);
bool flag_of(const GstStructure* structure, const char* field);
std::string text_of(const GstStructure* structure, const char* field);

}  // namespace onair::test
