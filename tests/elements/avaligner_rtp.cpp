// SPDX-License-Identifier: LGPL-2.1-or-later
// avaligner behind GStreamer's own elements: stock jitter buffers, whose input it taps, rtpbin, and the
// pipeline of its own documentation.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gst/gst.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "avaligner_bench.hpp"
#include "fatal_warnings.hpp"
#include "patience.hpp"
#include "reference_timestamp.hpp"

namespace onair::test {
namespace {

constexpr guint8 kAudioType = 111;
constexpr guint8 kVideoType = 96;
constexpr const char* kAudioRtp =
    "application/x-rtp, media=(string)audio, encoding-name=(string)OPUS, clock-rate=(int)48000, "
    "payload=(int)111";
constexpr const char* kVideoRtp =
    "application/x-rtp, media=(string)video, encoding-name=(string)H264, clock-rate=(int)90000, "
    "payload=(int)96";
constexpr const char* kBareRtp = "application/x-rtp";

GstPtr<GstElement> make(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  if (!element) {
    ADD_FAILURE() << "no element " << factory;
    std::abort();
  }
  return GstPtr<GstElement>::sink(element);
}

GstPtr<GstPad> static_pad(GstElement* element, const char* name) {
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, name));
}

// The n-th packet of a stream: one Opus packet, or one slice of H.264. RTP time wraps with the third.
GstPtr<GstBuffer> packet(const AlignerStream& stream, std::int64_t n, Duration arrival) {
  const guint32 step = stream.is_audio() ? 960 : 3600;
  auto buffer = GstPtr<GstBuffer>::adopt(gst_rtp_buffer_new_allocate(20, 0, 0));
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map(buffer.get(), GST_MAP_READWRITE, &rtp);
  gst_rtp_buffer_set_ssrc(&rtp, stream.is_audio() ? kAudioSsrc : kVideoSsrc);
  gst_rtp_buffer_set_seq(&rtp, static_cast<guint16>(65'530 + n));
  gst_rtp_buffer_set_timestamp(&rtp, static_cast<guint32>(n - 3) * step);
  gst_rtp_buffer_set_payload_type(&rtp, stream.is_audio() ? kAudioType : kVideoType);
  gst_rtp_buffer_set_marker(&rtp, TRUE);
  auto* payload = static_cast<guint8*>(gst_rtp_buffer_get_payload(&rtp));
  std::fill_n(payload, 20, static_cast<guint8>(0xab));
  payload[0] = 0x65;  // an IDR slice
  gst_rtp_buffer_unmap(&rtp);
  GST_BUFFER_DTS(buffer.get()) = ns(arrival);
  return buffer;
}

// A stock jitter buffer keeps the first packet for its latency, and then all others pass at once.
constexpr Duration kStockLatency{200ms};

// Counts what passes a pad, so that the test goes at the pace of the elements' threads.
class Passed {
 public:
  void watch(GstPad* pad) {
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo*, gpointer data) {
          ++*static_cast<std::atomic<std::int64_t>*>(data);
          return GST_PAD_PROBE_OK;
        },
        &count_, nullptr);
  }
  void wait_for(AlignerBench& bench, std::int64_t count) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (count_ < count && std::chrono::steady_clock::now() < deadline) {
      bench.clock().end_due_waits();
      std::this_thread::yield();
    }
    EXPECT_GE(count_, count);
  }

 private:
  std::atomic<std::int64_t> count_{0};
};

// Stock elements between what feeds a stream and the aligner.
class Chain {
 public:
  Chain(AlignerBench& bench, AlignerStream& stream, std::initializer_list<const char*> factories)
      : bench_{bench}, stream_{stream} {
    gst_pad_unlink(stream.feeder(), stream.in());
    const auto clock = GstPtr<GstClock>::adopt(gst_element_get_clock(bench.element()));
    auto last = GstPtr<GstPad>::share(stream.feeder());
    for (const char* factory : factories) {
      elements_.push_back(make(factory));
      auto* element = elements_.back().get();
      if (element == elements_[0].get() || !stream.is_audio())
        configure(element);
      gst_element_set_clock(element, clock.get());
      gst_element_set_base_time(element, gst_element_get_base_time(bench.element()));
      EXPECT_EQ(gst_pad_link(last.get(), static_pad(element, "sink").get()), GST_PAD_LINK_OK);
      last = static_pad(element, "src");
    }
    passed_.watch(last.get());
    EXPECT_EQ(gst_pad_link(last.get(), stream.in()), GST_PAD_LINK_OK);
    for (auto each = elements_.rbegin(); each != elements_.rend(); ++each)
      gst_element_set_state(each->get(), GST_STATE_PLAYING);
  }
  ~Chain() {
    gst_pad_set_active(stream_.feeder(), FALSE);
    for (auto& element : elements_)
      gst_element_set_state(element.get(), GST_STATE_NULL);
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  [[nodiscard]] GstElement* jitterbuffer() const { return elements_[0].get(); }
  // As udpsrc hands it on, and through the chain if it may pass.
  void push(std::int64_t n, Duration late = 0ms) {
    const auto arrival = n * (stream_.is_audio() ? kAudioSpacing : kVideoSpacing) + late;
    bench_.set_time(arrival);
    EXPECT_EQ(gst_pad_push(stream_.feeder(), packet(stream_, n, arrival).release()), GST_FLOW_OK);
    ++pushed_;
    wait(arrival);
  }
  void push_all(std::int64_t from, std::int64_t to) {
    for (std::int64_t n = from; n <= to; ++n)
      push(n);
  }
  void push_list(std::initializer_list<GstBuffer*> packets) {
    GstBufferList* list = gst_buffer_list_new();
    Duration arrival{0};
    for (GstBuffer* each : packets) {
      arrival = Duration{static_cast<Duration::rep>(GST_BUFFER_DTS(each))};
      gst_buffer_list_add(list, each);
    }
    bench_.set_time(arrival);
    EXPECT_EQ(gst_pad_push_list(stream_.feeder(), list), GST_FLOW_OK);
    pushed_ += static_cast<std::int64_t>(packets.size());
    wait(arrival);
  }

 private:
  void wait(Duration arrival) {
    first_ = first_.value_or(arrival);
    if (arrival >= *first_ + kStockLatency)
      passed_.wait_for(bench_, pushed_);
  }
  static void configure(GstElement* element) {
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "caps"))
      gst_util_set_object_arg(G_OBJECT(element), "caps",
                              "video/x-h264, stream-format=byte-stream, alignment=au");
  }

  AlignerBench& bench_;
  AlignerStream& stream_;
  std::vector<GstPtr<GstElement>> elements_;
  Passed passed_;
  std::int64_t pushed_ = 0;
  std::optional<Duration> first_;
};

constexpr std::initializer_list<const char*> kAudioChain = {"rtpjitterbuffer", "rtpopusdepay"};
constexpr std::initializer_list<const char*> kVideoChain = {"rtpjitterbuffer", "rtph264depay",
                                                            "capsfilter"};

class AvAlignerTap : public FatalWarningsTest {
 protected:
  // From the `from`-th buffer on they are on one line and know where they come from.
  static void expect_one_line(AlignerStream& stream, std::size_t from = 0) {
    const auto buffers = stream.buffers();
    const auto spacing = stream.is_audio() ? kAudioSpacing : kVideoSpacing;
    for (std::size_t n = from; n < buffers.size(); ++n) {
      GstBuffer* buffer = buffers[n].buffer.get();
      ASSERT_NEAR(static_cast<double>(GST_BUFFER_PTS(buffer)),
                  static_cast<double>((static_cast<std::int64_t>(n) * spacing).count()), 2.0)
          << stream.name() << ' ' << n;
      EXPECT_TRUE(reference_timestamp(buffer, "timestamp/x-rtp")) << n;
      EXPECT_TRUE(reference_timestamp(buffer, "timestamp/x-arrival")) << n;
    }
  }
  // Those that were in the jitter buffer when it was found are timed by their timestamps, which follow
  // arrivals a little.
  static void expect_contiguous(AlignerStream& stream) {
    constexpr std::size_t kUntapped = 20;
    const auto buffers = stream.buffers();
    const auto spacing = stream.is_audio() ? kAudioSpacing : kVideoSpacing;
    // Of the picture, while it is steered, 60 ms a second.
    const double steered = 60e-3 * static_cast<double>(spacing.count());
    for (std::size_t n = 1; n < buffers.size(); ++n) {
      const auto before = GST_BUFFER_PTS(buffers[n - 1].buffer.get());
      const auto interval = GST_CLOCK_DIFF(before, GST_BUFFER_PTS(buffers[n].buffer.get()));
      const double tolerance = n <= kUntapped ? 3e6 : stream.is_audio() ? 2.0 : steered;
      EXPECT_NEAR(static_cast<double>(interval), static_cast<double>(spacing.count()), tolerance)
          << stream.name() << ' ' << n;
      if (n <= kUntapped)
        continue;
      EXPECT_TRUE(reference_timestamp(buffers[n].buffer.get(), "timestamp/x-rtp")) << n;
      EXPECT_TRUE(reference_timestamp(buffers[n].buffer.get(), "timestamp/x-arrival")) << n;
    }
  }
  static void expect_nothing_told(AlignerBench& bench) {
    for (const char* message : {"avaligner-source", "avaligner-rebase"})
      EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, message).empty()) << message;
  }
};
class AvAlignerDocs : public FatalWarningsTest {};

TEST_F(AvAlignerTap, AStockJitterBufferInFrontIsTappedBeforeAnythingFlows) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  Chain sound{bench, audio, kAudioChain};
  Chain picture{bench, video, kVideoChain};
  bench.set_state(GST_STATE_PLAYING);
  audio.open(kAudioRtp);
  video.open(kVideoRtp);
  for (std::int64_t n = 0; n < 100; ++n) {
    sound.push(2 * n, n % 5 * 3ms);
    picture.push(n, n % 7 * 2ms);
    sound.push(2 * n + 1, n % 3 * 3ms);
  }
  ASSERT_TRUE(audio.wait_for_buffers(200));
  ASSERT_TRUE(video.wait_for_buffers(100));
  expect_one_line(audio);
  expect_one_line(video);
  expect_nothing_told(bench);
  guint ssrc = 0;
  EXPECT_TRUE(gst_structure_get_uint(bench.stats(video).get(), "ssrc", &ssrc));
  EXPECT_EQ(ssrc, kVideoSsrc);
  EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "arrival");
  gboolean writes_ntp = FALSE;
  g_object_get(sound.jitterbuffer(), "add-reference-timestamp-meta", &writes_ntp, nullptr);
  EXPECT_TRUE(writes_ntp);
}

// Its first packets are in the jitter buffer by then.
TEST_F(AvAlignerTap, AStockJitterBufferIsFoundWhenItIsLinkedLater) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  Chain sound{bench, audio, kAudioChain};
  audio.open(kAudioRtp);
  sound.push_all(0, 99);
  ASSERT_TRUE(audio.wait_for_buffers(100));
  expect_contiguous(audio);
  expect_nothing_told(bench);
}

// By the clock when nothing more comes; the end lets all go.
TEST_F(AvAlignerTap, WhatWasInAJitterBufferIsHeldNoLongerThanOthers) {
  for (const bool ends : {false, true}) {
    AlignerBench bench;
    auto& audio = bench.add("audio_0");
    Chain sound{bench, audio, kAudioChain};
    audio.open(kAudioRtp);
    sound.push_all(0, ends ? 10 : 12);
    if (ends)
      audio.push_event(gst_event_new_eos());
    else
      bench.set_time(2s);
    EXPECT_TRUE(audio.wait_for_buffers(ends ? 11 : 13));
  }
}

TEST_F(AvAlignerTap, GoesWithThePad) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  Chain sound{bench, audio, kAudioChain};
  bench.set_state(GST_STATE_PLAYING);
  audio.open(kAudioRtp);
  std::atomic<bool> has_times{false};
  const auto input = static_pad(sound.jitterbuffer(), "sink");
  const auto probe = gst_pad_add_probe(
      input.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        *static_cast<std::atomic<bool>*>(data) =
            read_rtp_times(GST_PAD_PROBE_INFO_BUFFER(info)).has_value();
        return GST_PAD_PROBE_OK;
      },
      &has_times, nullptr);
  sound.push(0);
  EXPECT_TRUE(has_times);
  bench.give_back(audio);
  sound.push(1);
  EXPECT_FALSE(has_times);
  gst_pad_remove_probe(input.get(), probe);
}

TEST_F(AvAlignerTap, MovesToAnotherJitterBuffer) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  {
    Chain first{bench, audio, kAudioChain};
    audio.open(kAudioRtp);
    first.push_all(0, 59);
    ASSERT_TRUE(audio.wait_for_buffers(60));
    const auto last = GstPtr<GstPad>::adopt(gst_pad_get_peer(audio.in()));
    gst_pad_unlink(last.get(), audio.in());
    const auto begin = GstPtr<GstPad>::adopt(gst_pad_get_peer(audio.feeder()));
    gst_pad_unlink(audio.feeder(), begin.get());
  }
  gst_pad_set_active(audio.feeder(), TRUE);
  audio.forget();
  Chain second{bench, audio, kAudioChain};
  audio.open(kAudioRtp);
  second.push_all(60, 119);
  ASSERT_TRUE(audio.wait_for_buffers(60));
  expect_contiguous(audio);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, "avaligner-source").empty());
}

TEST_F(AvAlignerTap, PacketListsAndSharedPacketsAreWrittenOn) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  Chain sound{bench, audio, kAudioChain};
  bench.set_state(GST_STATE_PLAYING);
  audio.open(kAudioRtp);
  const auto kept = packet(audio, 0, 0ms);
  for (std::int64_t n = 0; n < 100; n += 2) {
    auto* first =
        n == 0 ? gst_buffer_ref(kept.get()) : packet(audio, n, n * kAudioSpacing).release();
    sound.push_list({first, packet(audio, n + 1, (n + 1) * kAudioSpacing).release()});
  }
  ASSERT_TRUE(audio.wait_for_buffers(100));
  expect_one_line(audio);
  EXPECT_FALSE(read_rtp_times(kept.get())) << "it is not ours alone";
}

TEST_F(AvAlignerTap, GarbageAmongThePacketsIsLeftAlone) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  Chain sound{bench, audio, kAudioChain};
  bench.set_state(GST_STATE_PLAYING);
  audio.open(kAudioRtp);
  for (std::int64_t n = 0; n < 100; ++n) {
    sound.push(n);
    if (n % 10 == 5) {
      auto* garbage = gst_buffer_new_allocate(nullptr, 15, nullptr);
      gst_buffer_memset(garbage, 0, 0xff, 15);
      gst_pad_push(audio.feeder(), garbage);
    }
  }
  ASSERT_TRUE(audio.wait_for_buffers(100));
  expect_one_line(audio);
}

// ---- rtpbin

GstCaps* on_request_pt_map(GstElement*, guint, guint type, gpointer) {
  return gst_caps_from_string(type == kAudioType ? kAudioRtp : kVideoRtp);
}

struct RtpBin {
  explicit RtpBin(const AlignerBench& bench) : element{make("rtpbin")} {
    const auto clock = GstPtr<GstClock>::adopt(gst_element_get_clock(bench.element()));
    gst_element_set_clock(element.get(), clock.get());
    gst_element_set_base_time(element.get(), gst_element_get_base_time(bench.element()));
    g_signal_connect(element.get(), "request-pt-map", G_CALLBACK(on_request_pt_map), this);
    g_signal_connect(element.get(), "pad-added", G_CALLBACK(on_pad), this);
    gst_element_set_state(element.get(), GST_STATE_PLAYING);
  }
  ~RtpBin() {
    for (auto& [name, stream] : streams)
      gst_pad_set_active(stream->feeder(), FALSE);
    gst_element_set_state(element.get(), GST_STATE_NULL);
    for (auto& depayloader : depayloaders)
      gst_element_set_state(depayloader.get(), GST_STATE_NULL);
  }
  void feed(AlignerStream& stream) {
    gst_pad_unlink(stream.feeder(), stream.in());
    passed[&stream];
    const auto session = stream.is_audio() ? "recv_rtp_sink_0" : "recv_rtp_sink_1";
    streams[stream.is_audio() ? "recv_rtp_src_0" : "recv_rtp_src_1"] = &stream;
    const auto pad = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(element.get(), session));
    EXPECT_EQ(gst_pad_link(stream.feeder(), pad.get()), GST_PAD_LINK_OK);
  }
  // As an application does it, on the thread of the first packet.
  static void on_pad(GstElement*, GstPad* pad, gpointer data) {
    auto& self = *static_cast<RtpBin*>(data);
    const std::string name{GST_OBJECT_NAME(pad)};
    if (name.rfind("recv_rtp_src", 0) != 0)
      return;
    auto& stream = *self.streams.at(name.substr(0, 14));
    auto depayloader = make(stream.is_audio() ? "rtpopusdepay" : "rtph264depay");
    auto last = static_pad(depayloader.get(), "src");
    if (!stream.is_audio()) {
      auto filter = make("capsfilter");
      gst_util_set_object_arg(G_OBJECT(filter.get()), "caps",
                              "video/x-h264, stream-format=byte-stream, alignment=au");
      gst_pad_link(last.get(), static_pad(filter.get(), "sink").get());
      last = static_pad(filter.get(), "src");
      gst_element_set_state(filter.get(), GST_STATE_PLAYING);
      const std::lock_guard lock{self.mutex};
      self.depayloaders.push_back(filter);
    }
    self.passed[&stream].watch(last.get());
    gst_pad_link(last.get(), stream.in());
    gst_element_set_state(depayloader.get(), GST_STATE_PLAYING);
    EXPECT_EQ(gst_pad_link(pad, static_pad(depayloader.get(), "sink").get()), GST_PAD_LINK_OK);
    const std::lock_guard lock{self.mutex};
    self.depayloaders.push_back(depayloader);
  }

  GstPtr<GstElement> element;
  std::map<std::string, AlignerStream*> streams;
  std::map<const AlignerStream*, Passed> passed;  // filled by feed()
  std::mutex mutex;
  std::vector<GstPtr<GstElement>> depayloaders;
};

TEST_F(AvAlignerTap, ReachesThroughRtpbin) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  RtpBin rtpbin{bench};
  rtpbin.feed(audio);
  rtpbin.feed(video);
  for (auto* stream : {&audio, &video})
    stream->open(kBareRtp);
  const auto push = [&](AlignerStream& stream, std::int64_t n) {
    const auto arrival = n * (stream.is_audio() ? kAudioSpacing : kVideoSpacing) + n % 5 * 2ms;
    bench.set_time(arrival);
    EXPECT_EQ(gst_pad_push(stream.feeder(), packet(stream, n, arrival).release()), GST_FLOW_OK);
    if (arrival >= 2 * kStockLatency)
      rtpbin.passed[&stream].wait_for(bench, n + 1);
  };
  for (std::int64_t n = 0; n < 200; ++n) {
    push(audio, 2 * n);
    push(video, n);
    push(audio, 2 * n + 1);
  }
  ASSERT_TRUE(audio.wait_for_buffers(400));
  ASSERT_TRUE(video.wait_for_buffers(200));
  for (auto* stream : {&audio, &video}) {
    expect_contiguous(*stream);
    EXPECT_EQ(text_of(bench.stats(*stream).get(), "source"), "arrival");
  }
  const auto last = [](AlignerStream& stream, std::size_t n) {
    return static_cast<double>(GST_BUFFER_PTS(stream.buffers()[n].buffer.get()));
  };
  EXPECT_NEAR(last(audio, 398), last(video, 199), 2e6);
  expect_nothing_told(bench);
}

// ---- the pipeline of the section comment

// What stands between |[ and ]| of the section comment, as a shell would hand it on.
std::string documented_pipeline() {
  std::ifstream source{AVALIGNER_SOURCE};
  std::stringstream text;
  text << source.rdbuf();
  const auto all = text.str();
  const auto begin = all.find("|[");
  const auto end = all.find("]|");
  EXPECT_NE(end, std::string::npos);
  std::istringstream lines{all.substr(begin + 2, end - begin - 2)};
  std::string pipeline;
  for (std::string line; std::getline(lines, line);) {
    const auto star = line.find(" * ");
    if (star == std::string::npos)
      continue;
    line = line.substr(star + 3);
    if (!line.empty() && line.back() == '\\')
      line.pop_back();
    pipeline += line + ' ';
  }
  const std::string command = "gst-launch-1.0 -e ";
  EXPECT_EQ(pipeline.rfind(command, 0), 0u) << pipeline;
  return pipeline.substr(command.size());
}

int free_udp_port() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t length = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(socket);
  return ntohs(address.sin_port);
}

struct Counter {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::vector<GstClockTime>> pts;

  static GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    auto& self = *static_cast<Counter*>(data);
    const std::lock_guard lock{self.mutex};
    self.pts[GST_OBJECT_NAME(pad)].push_back(GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
    self.changed.notify_all();
    return GST_PAD_PROBE_OK;
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, kPatience, [&] {
      return pts["audio_src_0"].size() >= count && pts["video_src_0"].size() >= count;
    });
  }
};

TEST_F(AvAlignerDocs, ThePipelineOfTheSectionCommentRunsWhenPasted) {
  GError* raw = nullptr;
  const auto pipeline =
      GstPtr<GstElement>::sink(gst_parse_launch(documented_pipeline().c_str(), &raw));
  const ErrorPtr error{raw};
  ASSERT_TRUE(pipeline && !error) << (error ? error->message : "");
  // Others may be at work at the ports and in the folder of the example.
  const auto file = std::filesystem::temp_directory_path() /
                    ("onair-avaligner-" + std::to_string(::getpid()) + ".mkv");
  std::map<int, int> ports;
  GstIterator* elements = gst_bin_iterate_elements(GST_BIN(pipeline.get()));
  GValue value = G_VALUE_INIT;
  while (gst_iterator_next(elements, &value) == GST_ITERATOR_OK) {
    auto* object = G_OBJECT(g_value_get_object(&value));
    const std::string factory =
        GST_OBJECT_NAME(gst_element_get_factory(GST_ELEMENT(g_value_get_object(&value))));
    if (factory == "udpsrc" || factory == "udpsink") {
      int port = 0;
      g_object_get(object, "port", &port, nullptr);
      const auto other = ports.try_emplace(port, free_udp_port()).first->second;
      g_object_set(object, "port", other, nullptr);
    } else if (factory == "filesink") {
      g_object_set(object, "location", file.c_str(), nullptr);
    }
    g_value_reset(&value);
  }
  g_value_unset(&value);
  gst_iterator_free(elements);
  EXPECT_EQ(ports.size(), 2u);
  Counter counter;
  const auto aligner = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "a"));
  for (const char* name : {"audio_src_0", "video_src_0"})
    gst_pad_add_probe(static_pad(aligner.get(), name).get(), GST_PAD_PROBE_TYPE_BUFFER,
                      Counter::on_buffer, &counter, nullptr);

  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  EXPECT_TRUE(counter.wait_for(15));
  gst_element_send_event(pipeline.get(), gst_event_new_eos());  // as -e does
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
  const auto message = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
      bus.get(), static_cast<GstClockTime>(kPatience.count()) * GST_SECOND,
      static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  ASSERT_TRUE(message);
  EXPECT_EQ(GST_MESSAGE_TYPE(message.get()), GST_MESSAGE_EOS);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  for (const char* name : {"audio_src_0", "video_src_0"}) {
    const auto& pts = counter.pts[name];
    EXPECT_TRUE(std::is_sorted(pts.begin(), pts.end())) << name;
  }
  EXPECT_GT(std::filesystem::file_size(file), 10'000u);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace onair::test
