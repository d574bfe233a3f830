// SPDX-License-Identifier: LGPL-2.1-or-later
// rtpadaptivejitterbuffer behind a real rtspsrc: a file on a stock RTSP server is played, stopped, sought
// in and played to its end.
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gst/rtp/rtp.h>
#include <gtest/gtest.h>

#include "fatal_warnings.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "gst_environment.hpp"
#include "patience.hpp"
#include "rtp_jitterbuffer.hpp"
#include "rtsp_server.hpp"

namespace onair::test {
namespace {

using namespace std::chrono_literals;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

GstPtr<GstElement> parse(const std::string& line) {
  GError* raw = nullptr;
  auto pipeline = GstPtr<GstElement>::sink(gst_parse_launch(line.c_str(), &raw));
  const ErrorPtr error{raw};
  EXPECT_FALSE(error) << error->message;
  return pipeline;
}

// A film of six seconds with a key frame each half second, on a server.
class Film {
 public:
  Film() {
    auto name = (std::filesystem::temp_directory_path() / "onair-rtsp-XXXXXX").string();
    EXPECT_TRUE(mkdtemp(name.data()));
    folder_ = name;
    const auto file = (folder_ / "film.mkv").string();
    const auto writer = parse(
        "matroskamux name=mux ! filesink location=" + file +
        " videotestsrc num-buffers=180 ! video/x-raw,format=I420,width=64,height=48,framerate=30/1 "
        "! x264enc key-int-max=15 bframes=0 speed-preset=ultrafast ! mux. "
        "audiotestsrc num-buffers=300 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 "
        "! opusenc ! mux.");
    gst_element_set_state(writer.get(), GST_STATE_PLAYING);
    const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(writer.get()));
    const auto end = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
        bus.get(), 30 * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    EXPECT_TRUE(end && GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_EOS);
    gst_element_set_state(writer.get(), GST_STATE_NULL);
    server_ = std::make_unique<RtspServer>(
        "( filesrc location=" + file +
        " ! matroskademux name=demux demux.video_0 ! queue ! h264parse ! rtph264pay name=pay0 "
        "config-interval=-1 pt=96 demux.audio_0 ! queue ! rtpopuspay name=pay1 pt=97 )");
  }
  ~Film() {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] std::string url() const { return server_->url(); }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<RtspServer> server_;
};

// What comes out of one stream of rtspsrc.
struct Track {
  struct Packet {
    guint16 sequence;
    guint32 rtp_time;
    RunningTime running;  // when it is to be played
  };
  int clock_rate = 0;
  std::vector<Packet> packets;
  GstSegment segment{};
  bool is_over = false;
};

class Player {
 public:
  Player(const std::string& url, const std::string& protocol)
      : pipeline_{GstPtr<GstElement>::sink(gst_pipeline_new(nullptr))} {
    GstElement* source = make_element("rtspsrc");
    gst_util_set_object_arg(G_OBJECT(source), "protocols", protocol.c_str());
    g_object_set(source, "location", url.c_str(), "latency", 200u, nullptr);
    g_signal_connect(source, "new-manager", G_CALLBACK(on_manager), this);
    g_signal_connect(source, "pad-added", G_CALLBACK(on_pad), this);
    gst_bin_add(GST_BIN(pipeline_.get()), source);
  }
  ~Player() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  void set_state(GstState state) {
    gst_element_set_state(pipeline_.get(), state);
    GstState reached{};
    EXPECT_NE(gst_element_get_state(pipeline_.get(), &reached, nullptr, 30 * GST_SECOND),
              GST_STATE_CHANGE_FAILURE);
    EXPECT_EQ(reached, state);
  }
  void seek(Duration position) {
    EXPECT_TRUE(gst_element_seek_simple(pipeline_.get(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                        position.count()));
  }
  bool wait(const std::function<bool(const Track&)>& holds_for, Duration patience = kPatience) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] {
      return tracks_.size() == 2 && holds_for(tracks_.begin()->second) &&
             holds_for(tracks_.rbegin()->second);
    });
  }
  // So many packets of each since they were taken last.
  bool wait_for(std::size_t count, Duration patience = kPatience) {
    return wait([&](const Track& track) { return track.packets.size() >= count; }, patience);
  }
  // By media, "audio" and "video": what has come since the last call.
  std::map<std::string, Track> take() {
    const std::lock_guard lock{mutex_};
    auto taken = tracks_;
    for (auto& [name, track] : tracks_)
      track.packets.clear();
    return taken;
  }
  [[nodiscard]] std::vector<GstPtr<GstElement>> jitterbuffers() {
    const std::lock_guard lock{mutex_};
    return jitterbuffers_;
  }
  // The npt-start of each handle-sync.
  [[nodiscard]] std::vector<guint64> starts(GstElement* jitterbuffer) {
    const std::lock_guard lock{mutex_};
    return starts_[jitterbuffer];
  }

 private:
  static void on_manager(GstElement*, GstElement* rtpbin, gpointer data) {
    // Since GStreamer 1.26 it moves one of the streams, once both have begun, by as much as a busy
    // machine has let the other one wait. Here the time of each is looked at.
    g_object_set(rtpbin, "min-ts-offset", guint64{GST_SECOND}, nullptr);
    g_signal_connect(rtpbin, "request-jitterbuffer", G_CALLBACK(on_request), nullptr);
    g_signal_connect(rtpbin, "new-jitterbuffer", G_CALLBACK(on_jitterbuffer), data);
  }
  static GstElement* on_request(GstElement*, guint, gpointer) {
    return make_element(jitterbuffer_factory());
  }
  static void on_jitterbuffer(GstElement*, GstElement* jitterbuffer, guint, guint, gpointer data) {
    auto* self = static_cast<Player*>(data);
    const std::lock_guard lock{self->mutex_};
    self->jitterbuffers_.push_back(GstPtr<GstElement>::share(jitterbuffer));
    g_signal_connect(jitterbuffer, "handle-sync", G_CALLBACK(on_sync), data);
  }
  static void on_sync(GstElement* jitterbuffer, GstStructure* sync, gpointer data) {
    auto* self = static_cast<Player*>(data);
    guint64 start = GST_CLOCK_TIME_NONE;
    gst_structure_get_uint64(sync, "npt-start", &start);
    const std::lock_guard lock{self->mutex_};
    self->starts_[jitterbuffer].push_back(start);
  }
  static void on_pad(GstElement*, GstPad* pad, gpointer data) {
    auto* self = static_cast<Player*>(data);
    const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(pad));
    const GstStructure* stream = gst_caps_get_structure(caps.get(), 0);
    const std::string media = gst_structure_get_string(stream, "media");
    GstElement* sink = make_element("fakesink");
    g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
    gst_bin_add(GST_BIN(self->pipeline_.get()), sink);
    const auto into = GstPtr<GstPad>::adopt(gst_element_get_static_pad(sink, "sink"));
    {
      const std::lock_guard lock{self->mutex_};
      Track& track = self->tracks_[media];
      gst_structure_get_int(stream, "clock-rate", &track.clock_rate);
      self->pads_[into.get()] = &track;
    }
    gst_pad_add_probe(
        into.get(),
        static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_BOTH |
                                     GST_PAD_PROBE_TYPE_EVENT_FLUSH),
        on_data, data, nullptr);
    gst_element_sync_state_with_parent(sink);
    EXPECT_EQ(gst_pad_link(pad, into.get()), GST_PAD_LINK_OK);
  }
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    auto* self = static_cast<Player*>(data);
    {
      const std::lock_guard lock{self->mutex_};
      Track& track = *self->pads_[pad];
      if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
        note(track, gst_pad_probe_info_get_buffer(info));
      else
        note(track, gst_pad_probe_info_get_event(info));
    }
    self->changed_.notify_all();
    return GST_PAD_PROBE_OK;
  }
  static void note(Track& track, GstBuffer* buffer) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    ASSERT_TRUE(gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp));
    const auto sequence = gst_rtp_buffer_get_seq(&rtp);
    const auto rtp_time = gst_rtp_buffer_get_timestamp(&rtp);
    gst_rtp_buffer_unmap(&rtp);
    const auto running = to_running_time(track.segment, GST_BUFFER_PTS(buffer));
    ASSERT_TRUE(running);
    track.packets.push_back({.sequence = sequence, .rtp_time = rtp_time, .running = *running});
  }
  static void note(Track& track, GstEvent* event) {
    switch (GST_EVENT_TYPE(event)) {
      case GST_EVENT_SEGMENT:
        gst_event_copy_segment(event, &track.segment);
        break;
      case GST_EVENT_FLUSH_STOP:
        track.packets.clear();
        track.is_over = false;
        break;
      case GST_EVENT_EOS:
        track.is_over = true;
        break;
      default:
        break;
    }
  }

  const GstPtr<GstElement> pipeline_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Track> tracks_;
  std::map<GstPad*, Track*> pads_;
  std::vector<GstPtr<GstElement>> jitterbuffers_;
  std::map<GstElement*, std::vector<guint64>> starts_;
};

class RtspsrcContract : public FatalWarningsTest, public testing::WithParamInterface<const char*> {
 protected:
  static void SetUpTestSuite() { film_ = std::make_unique<Film>(); }
  static void TearDownTestSuite() { film_.reset(); }
  inline static std::unique_ptr<Film> film_;
};

void expect_whole(const std::map<std::string, Track>& tracks) {
  for (const auto& [media, track] : tracks) {
    ASSERT_FALSE(track.packets.empty()) << media;
    for (std::size_t i = 1; i < track.packets.size(); ++i) {
      const auto& before = track.packets[i - 1];
      const auto& packet = track.packets[i];
      ASSERT_EQ(packet.sequence, static_cast<guint16>(before.sequence + 1)) << media << ' ' << i;
      ASSERT_GE(packet.running, before.running) << media << ' ' << i;
    }
  }
}

// To be played as the server has timed them.
void expect_even(const std::map<std::string, Track>& tracks) {
  if (is_stock_under_test())
    return;  // its timestamps follow arrivals
  for (const auto& [media, track] : tracks)
    for (std::size_t i = 1; i < track.packets.size(); ++i) {
      const auto& before = track.packets[i - 1];
      const auto& packet = track.packets[i];
      const auto ticks = static_cast<gint32>(packet.rtp_time - before.rtp_time);
      ASSERT_NEAR(in_ms(packet.running - before.running), ticks * 1e3 / track.clock_rate, 0.1)
          << media << ' ' << i;
    }
}

// Sound and picture of one instant may be a frame apart, and the way to us is uneven.
constexpr double kTogether = 80;  // ms

TEST_P(RtspsrcContract, APauseLeavesNothingOutAndASeekEndsWhereTheFilmDoes) {
  Player player{film_->url(), GetParam()};
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(player.wait_for(40));
  player.set_state(GST_STATE_PAUSED);
  EXPECT_EQ(player.jitterbuffers().size(), 2u);
  auto played = player.take();
  EXPECT_FALSE(player.wait_for(1, 400ms)) << "in PAUSED";
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(player.wait_for(40));
  for (const auto& [media, track] : player.take())
    played[media].packets.insert(played[media].packets.end(), track.packets.begin(),
                                 track.packets.end());
  expect_whole(played);
  expect_even(played);
  EXPECT_NEAR(in_ms(played["audio"].packets[0].running - played["video"].packets[0].running), 0,
              kTogether);

  player.seek(4s);
  ASSERT_TRUE(player.wait([](const Track& track) { return track.is_over; }));
  auto rest = player.take();
  expect_whole(rest);
  expect_even(rest);
  // The rest of the film: 2 s of packets of 20 ms, to the key frame next to it and as far as rounding.
  EXPECT_NEAR(static_cast<double>(rest["audio"].packets.size()), 100, 5);
  EXPECT_NEAR(in_ms(rest["audio"].packets[0].running - rest["video"].packets[0].running), 0,
              kTogether);
  if (is_stock_under_test())
    return;  // over UDP it counts as lost what it has played before the pause
  for (const auto& jitterbuffer : player.jitterbuffers()) {
    EXPECT_EQ(stats_count(jitterbuffer.get(), "num-lost"), 0u);
    EXPECT_EQ(stats_count(jitterbuffer.get(), "num-late"), 0u);
  }
}

TEST_P(RtspsrcContract, WhatTheServerSaysOfTheBeginningIsToldWithTheFirstPackets) {
  if (is_stock_under_test())
    GTEST_SKIP() << "since GStreamer 1.26";
  Player player{film_->url(), GetParam()};
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(player.wait_for(10));
  player.seek(3s);
  ASSERT_TRUE(player.wait_for(10));
  for (const auto& jitterbuffer : player.jitterbuffers()) {
    const auto starts = player.starts(jitterbuffer.get());
    ASSERT_GE(starts.size(), 2u);
    EXPECT_EQ(starts.front(), 0u);
    EXPECT_EQ(starts.back(), 3 * GST_SECOND);
  }
}

INSTANTIATE_TEST_SUITE_P(Over, RtspsrcContract, testing::Values("udp", "tcp"),
                         [](const auto& protocol) { return std::string{protocol.param}; });

}  // namespace
}  // namespace onair::test
