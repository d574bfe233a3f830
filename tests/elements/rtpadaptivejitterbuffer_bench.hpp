// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gst/check/gsttestclock.h>
#include <gst/gst.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"

namespace onair::test {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kPatience{30};  // for what surely comes, under sanitizers too

constexpr guint32 kSsrc = 0x1234'5678;
constexpr guint32 kOtherSsrc = 0x8765'4321;
constexpr guint8 kPayloadType = 96;
constexpr guint32 kRate = 48'000;
constexpr guint32 kFrame = 960;
constexpr Duration kSpacing{20ms};  // 960 ticks of 48 kHz

constexpr GstClockTime ns(Duration duration) {
  return static_cast<GstClockTime>(duration.count());
}

// An RTP packet to be made. The n-th of a stream arrives at running time n * 20 ms.
struct RtpPacket {
  explicit RtpPacket(std::int64_t n)
      : sequence{static_cast<guint16>(65'530 + n)},
        rtp_time{static_cast<guint32>(0xffff'f000 + n * kFrame)},
        arrival{n * kSpacing} {}
  RtpPacket& late(Duration by) {
    *arrival += by;
    return *this;
  }
  RtpPacket& of(guint32 other_ssrc) {
    ssrc = other_ssrc;
    return *this;
  }
  RtpPacket& type(guint8 other_type) {
    payload_type = other_type;
    return *this;
  }
  RtpPacket& repeated() {  // as rtprtxreceive hands on the answer to a request
    is_retransmission = true;
    return *this;
  }
  RtpPacket& padding_only() {
    payload_size = 0;
    padding = 4;
    return *this;
  }
  RtpPacket& without_timestamps() {
    arrival.reset();
    return *this;
  }
  // With an element of a header extension (RFC 8285): abs-capture-time, as seconds.
  enum class Form { OneByte, TwoByte };
  RtpPacket& captured(guint8 id, guint32 ntp_seconds, Form form = Form::OneByte,
                      std::size_t size = 8) {
    extension_id = id;
    extension_form = form;
    extension.assign(size, 0);
    for (std::size_t i = 0; i < 4; ++i)
      extension[i] = static_cast<guint8>(ntp_seconds >> (24 - 8 * i));
    return *this;
  }
  [[nodiscard]] GstPtr<GstBuffer> make() const;

  guint16 sequence;
  guint32 rtp_time;
  std::optional<Duration> arrival;  // DTS, as udpsrc stamps it
  guint32 ssrc = kSsrc;
  guint8 payload_type = kPayloadType;
  bool marker = false;
  bool is_retransmission = false;
  guint payload_size = 20;
  guint8 padding = 0;
  guint8 extension_id = 0;
  Form extension_form = Form::OneByte;
  std::vector<guint8> extension;
};

// One rtpadaptivejitterbuffer between two pads, with a clock that stands still until the test moves
// it. Everything that comes out of the element is noted in its order.
class JitterBufferBench {
 public:
  struct Item {
    GstPtr<GstBuffer> buffer;
    GstPtr<GstEvent> event;
    std::string name;    // "#7" for the seventh packet of RtpPacket, else what kind of event
    GstClockTime when;   // running time at which it came
    guint16 sequence{};  // of a packet
  };
  enum class Start { Playing, Ready };

  // `properties` as in a gst-launch line: "release=paced latency=200".
  explicit JitterBufferBench(const std::string& properties = {}, Start start = Start::Playing);
  ~JitterBufferBench();
  JitterBufferBench(const JitterBufferBench&) = delete;
  JitterBufferBench& operator=(const JitterBufferBench&) = delete;

  [[nodiscard]] GstElement* element() const { return element_.get(); }
  [[nodiscard]] GstPad* src() const { return src_.get(); }    // feeds the element's sink
  [[nodiscard]] GstPad* sink() const { return sink_.get(); }  // is fed by the element's src
  GstStateChangeReturn set_state(GstState state);
  // stream-start, caps and segment, as at the start of each stream.
  void open_stream(const std::string& caps = kCaps);
  static constexpr const char* kCaps =
      "application/x-rtp, media=(string)audio, clock-rate=(int)48000, payload=(int)96, "
      "encoding-name=(string)OPUS";

  // Time goes on to the packet's arrival, and then it comes.
  GstFlowReturn push(const RtpPacket& packet);
  GstFlowReturn push(std::int64_t n) { return push(RtpPacket{n}); }
  void push_all(std::int64_t from, std::int64_t to);
  bool push_event(GstEvent* event) { return gst_pad_push_event(src_.get(), event) != FALSE; }
  bool push_custom(const char* name);  // a serialized event

  // The clock. Running time.
  void set_time(Duration running_time);
  // The instant that the element waits for, once it does wait for one that is still to come.
  Duration wait_for_deadline();
  // Moves the clock to that instant.
  Duration crank();

  // What came out. `is_true` of all that did so far.
  bool wait(const std::function<bool(const std::vector<Item>&)>& is_true);
  bool wait_for_packets(std::size_t count);
  bool wait_for(const std::string& name);
  [[nodiscard]] std::vector<Item> items();
  [[nodiscard]] std::vector<Item> packets();
  // Names, in their order: "stream-start caps segment #0 #1 lost".
  [[nodiscard]] std::string order();
  // From here on.
  void forget();

  // How downstream answers.
  void answer_buffers_with(GstFlowReturn flow);
  void block();
  bool wait_until_blocked();
  void unblock();
  std::function<bool(GstQuery*)> answer_query;  // to be set before anything flows

  // What went upstream.
  bool wait_for_upstream(const std::string& name, std::size_t count = 1);
  [[nodiscard]] std::vector<GstPtr<GstEvent>> upstream(const std::string& name);

  // Messages on the bus of this type (and, of an element message, with this name) so far.
  std::vector<GstPtr<GstMessage>> messages(GstMessageType type, const char* name = nullptr);

  StructurePtr stats();
  guint64 stat(const char* field);
  void set(const char* property, const char* value) {
    gst_util_set_object_arg(G_OBJECT(element()), property, value);
  }

 private:
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query);
  static gboolean on_upstream_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_upstream_query(GstPad* pad, GstObject* parent, GstQuery* query);
  void note(Item item);
  void end_due_waits();
  GstClockTime running_time();

  GstPtr<GstTestClock> clock_;
  GstPtr<GstElement> element_;
  GstPtr<GstBus> bus_;
  GstPtr<GstPad> src_;
  GstPtr<GstPad> sink_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> items_;
  std::vector<GstPtr<GstEvent>> upstream_;
  GstFlowReturn flow_ = GST_FLOW_OK;
  bool blocks_ = false;
  bool is_blocked_ = false;
};

// The value of the buffer's reference timestamp meta of this media type; none: there is none.
std::optional<GstClockTime> reference_timestamp(GstBuffer* buffer, const char* type);

// Fields of a structure, with failures of the test where they are missing.
guint uint_of(const GstStructure* structure, const char* field);
guint64 uint64_of(const GstStructure* structure, const char* field);

}  // namespace onair::test
