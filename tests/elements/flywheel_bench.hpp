// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <gst/check/gsttestclock.h>
#include <gst/gst.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"

namespace onair::test {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kFlywheelPatience{30};  // for what surely comes

constexpr GstClockTime ns(Duration duration) {
  return static_cast<GstClockTime>(duration.count());
}

// One flywheel between two pads, with a clock that stands still until the test moves it. Everything
// that comes out of the element is noted in its order.
class FlywheelBench {
 public:
  struct Item {
    GstPtr<GstBuffer> buffer;
    GstPtr<GstEvent> event;
    std::string name;   // "buffer", or what kind of event
    GstClockTime when;  // running time at which it came
  };
  struct Options {
    std::string properties{};  // as in a gst-launch line: "max-wait=0"
    std::string caps = kSound;
    bool is_live = true;  // what upstream says
    bool is_open = true;  // stream-start, caps and segment have been sent
    GstState state = GST_STATE_PLAYING;
    Duration now{0};  // running time
  };
  static constexpr const char* kSound =
      "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved";
  static constexpr const char* kPicture =
      "video/x-raw,format=I420,width=64,height=48,framerate=10/1";
  static constexpr Duration kLag{10ms};

  explicit FlywheelBench(const Options& options);
  ~FlywheelBench();
  FlywheelBench(const FlywheelBench&) = delete;
  FlywheelBench& operator=(const FlywheelBench&) = delete;

  [[nodiscard]] GstElement* element() const { return element_.get(); }
  [[nodiscard]] GstPad* src() const { return src_.get(); }    // feeds the element's sink
  [[nodiscard]] GstPad* sink() const { return sink_.get(); }  // is fed by the element's src
  GstStateChangeReturn set_state(GstState state);
  void set_base_time(GstClockTime base_time);
  void open_stream(const std::string& caps);
  void set_caps(const std::string& caps);
  bool push_event(GstEvent* event) { return gst_pad_push_event(src(), event) != FALSE; }
  bool push_custom(const char* name);  // a serialized event

  // 20 ms of a tone at `start`, which come kLag after their end, or when the test's time is later.
  GstFlowReturn push_sound(Duration start, Duration length = 20ms, guint rate = 48'000);
  void push_sounds(Duration from, Duration to);
  // A picture at `start`, which comes kLag later or now, and whose every byte is `shade`.
  GstFlowReturn push_picture(Duration start, guint8 shade = 0x55);
  GstFlowReturn push(GstPtr<GstBuffer> buffer) { return gst_pad_push(src(), buffer.release()); }

  // The clock. Running time.
  void set_time(Duration running_time);
  [[nodiscard]] Duration now();
  // The instant that the element waits for, once it does wait for one that is still to come.
  Duration wait_for_deadline();
  // Moves the clock to that instant.
  Duration crank();
  // Cranks on until running time `until`, waiting for each piece of filler.
  void crank_until(Duration until);
  // The task has done all that it can for now.
  bool wait_until_idle();

  // What came out.
  bool wait(const std::function<bool(const std::vector<Item>&)>& is_true);
  bool wait_for_buffers(std::size_t count);
  bool wait_for(const std::string& name);
  [[nodiscard]] std::vector<Item> items();
  [[nodiscard]] std::vector<GstBuffer*> buffers();  // as long as the bench
  [[nodiscard]] std::string order();                // without buffers
  // Each starts where the one before ended, and has the samples for it.
  void expect_contiguous(guint rate = 48'000, guint frame_size = 2);

  // How downstream answers.
  void answer_buffers_with(GstFlowReturn flow);
  void block();
  bool wait_until_blocked();
  void unblock();

  // Messages on the bus of this type (and, of an element message, with this name) so far.
  std::vector<GstPtr<GstMessage>> messages(GstMessageType type, const char* name = nullptr);
  StructurePtr stats();
  guint64 stat(const char* field);

  // Kept for buffers(): what has come out so far.
  static std::vector<std::int16_t> samples_of(GstBuffer* buffer);
  static std::vector<guint8> bytes_of(GstBuffer* buffer);

 private:
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query);
  static gboolean on_upstream_query(GstPad* pad, GstObject* parent, GstQuery* query);
  void note(Item item);
  void end_due_waits();

  const bool is_live_;
  GstPtr<GstTestClock> clock_;
  GstPtr<GstElement> element_;
  GstPtr<GstBus> bus_;
  GstPtr<GstPad> src_;
  GstPtr<GstPad> sink_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> items_;
  GstFlowReturn flow_ = GST_FLOW_OK;
  bool blocks_ = false;
  bool is_blocked_ = false;
};

}  // namespace onair::test
