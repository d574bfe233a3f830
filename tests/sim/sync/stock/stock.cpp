// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stock.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gst/check/gsttestclock.h>
#include <gst/gst.h>
#include <gst/rtp/gstrtpbuffer.h>

#include "base/ticks.hpp"
#include "base/unroller.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "packets.hpp"
#include "wire.hpp"

namespace onair::sim::sync {

namespace {

using namespace std::chrono_literals;

// Real time that the jitter buffer's threads may take for what is due. Nothing depends on it where
// all is well: it ends as soon as the packet is out.
constexpr auto kPatience = 5ms;

// What comes out of rtpbin.
class Outlet {
 public:
  void expect(const Arrived& packet) {
    const std::lock_guard lock{mutex_};
    auto& stream = streams_[packet.ssrc];
    stream.on_way[packet.sequence] = packet;
  }

  void on_buffer(GstBuffer* buffer) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (!gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp))
      return;
    const auto ssrc = gst_rtp_buffer_get_ssrc(&rtp);
    const auto sequence = gst_rtp_buffer_get_seq(&rtp);
    gst_rtp_buffer_unmap(&rtp);
    const std::lock_guard lock{mutex_};
    auto& stream = streams_[ssrc];
    const auto packet = stream.on_way.extract(sequence);
    stream.newest = sequence;
    changed_.notify_all();
    if (packet.empty() || !GST_BUFFER_PTS_IS_VALID(buffer))
      return;
    const auto& arrived = packet.mapped();
    // Those that came before and are not out were dropped.
    std::erase_if(stream.on_way, [&](const auto& each) {
      return each.second.arrival < arrived.arrival &&
             static_cast<std::int16_t>(each.first - sequence) < 0;
    });
    const auto rate = clock_rate(arrived.medium);
    const MediaTime media{to_duration(stream.ticks.unroll(arrived.rtp_time), rate)};
    const RunningTime time{Duration{static_cast<Duration::rep>(GST_BUFFER_PTS(buffer))}};
    record_.outputs[index(arrived.medium)].push_back(
        {arrived.captured, media, arrived.arrival, time, now_, now_});
  }

  void set_now(RunningTime now) {
    const std::lock_guard lock{mutex_};
    now_ = now;
  }

  // Until nothing that follows the newest output is on its way.
  void wait() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, kPatience, [this] {
      for (const auto& [ssrc, stream] : streams_)
        if (stream.newest && stream.on_way.contains(static_cast<std::uint16_t>(*stream.newest + 1)))
          return false;
      return true;
    });
  }

  // Streams with something on its way: each has a timer for it.
  std::size_t waiting() {
    const std::lock_guard lock{mutex_};
    return static_cast<std::size_t>(
        std::count_if(streams_.begin(), streams_.end(),
                      [](const auto& each) { return each.second.has_waiting(); }));
  }

  Record take() {
    const std::lock_guard lock{mutex_};
    return std::move(record_);
  }

 private:
  struct Stream {
    std::map<std::uint16_t, Arrived> on_way;
    std::optional<std::uint16_t> newest;
    Unroller<32> ticks;

    [[nodiscard]] bool has_waiting() const {
      return std::any_of(on_way.begin(), on_way.end(), [this](const auto& each) {
        return !newest || static_cast<std::int16_t>(each.first - *newest) > 0;
      });
    }
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint32_t, Stream> streams_;
  RunningTime now_{};
  Record record_;
};

class Stock {
 public:
  explicit Stock(StockMode mode);
  ~Stock();
  Stock(const Stock&) = delete;
  Stock& operator=(const Stock&) = delete;

  void push(const Arrived& arrived);
  Record finish();

 private:
  static GstCaps* on_pt_map(GstElement* rtpbin, guint session, guint pt, gpointer data);
  static void on_pad_added(GstElement* rtpbin, GstPad* pad, gpointer data);
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  GstPtr<GstPad> make_inlet(const std::string& name, GstCaps* caps);
  void advance(RunningTime now);
  void settle();

  Outlet outlet_;
  GstPtr<GstClock> clock_;
  GstPtr<GstElement> pipeline_;
  GstElement* rtpbin_ = nullptr;
  std::array<GstPtr<GstPad>, 2> rtp_;
  std::array<GstPtr<GstPad>, 2> rtcp_;
  RunningTime now_{};
};

Stock::Stock(StockMode mode)
    : clock_{GstPtr<GstClock>::adopt(gst_test_clock_new())},
      pipeline_{GstPtr<GstElement>::sink(gst_pipeline_new(nullptr))},
      rtpbin_{gst_element_factory_make("rtpbin", nullptr)} {
  if (!rtpbin_)
    throw std::runtime_error{"there is no rtpbin: GStreamer's rtpmanager plugin is missing"};
  gst_bin_add(GST_BIN(pipeline_.get()), rtpbin_);
  gst_pipeline_use_clock(GST_PIPELINE(pipeline_.get()), clock_.get());
  constexpr std::array kModes{"always", "initial", "rtp-info", "always"};
  gst_util_set_object_arg(G_OBJECT(rtpbin_), "rtcp-sync", kModes[static_cast<std::size_t>(mode)]);
  if (mode == StockMode::Off)
    g_object_set(rtpbin_, "max-ts-offset", gint64{1}, nullptr);
  g_signal_connect(rtpbin_, "request-pt-map", G_CALLBACK(on_pt_map), this);
  g_signal_connect(rtpbin_, "pad-added", G_CALLBACK(on_pad_added), this);
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  const auto reports = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("application/x-rtcp"));
  for (const auto medium : kMedia) {
    const auto session = std::to_string(index(medium));
    rtp_[index(medium)] = make_inlet("recv_rtp_sink_" + session, caps_of(medium).get());
    rtcp_[index(medium)] = make_inlet("recv_rtcp_sink_" + session, reports.get());
  }
}

Stock::~Stock() {
  for (const auto* pads : {&rtp_, &rtcp_})
    for (const auto& pad : *pads)
      gst_pad_set_active(pad.get(), FALSE);
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

GstPtr<GstPad> Stock::make_inlet(const std::string& name, GstCaps* caps) {
  auto inlet = GstPtr<GstPad>::sink(gst_pad_new(nullptr, GST_PAD_SRC));
  const auto sink = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(rtpbin_, name.c_str()));
  gst_pad_link(inlet.get(), sink.get());
  gst_pad_set_active(inlet.get(), TRUE);
  gst_pad_push_event(inlet.get(), gst_event_new_stream_start(name.c_str()));
  gst_pad_push_event(inlet.get(), gst_event_new_caps(caps));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(inlet.get(), gst_event_new_segment(&segment));
  return inlet;
}

GstCaps* Stock::on_pt_map(GstElement*, guint session, guint, gpointer) {
  return caps_of(session == 0 ? Medium::Audio : Medium::Video).release();
}

void Stock::on_pad_added(GstElement*, GstPad* pad, gpointer data) {
  if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
    return;
  auto* sink = gst_pad_new(nullptr, GST_PAD_SINK);  // lives as long as the link
  gst_pad_set_element_private(sink, &static_cast<Stock*>(data)->outlet_);
  gst_pad_set_chain_function(sink, on_buffer);
  gst_pad_set_active(sink, TRUE);
  gst_pad_link(pad, sink);
}

GstFlowReturn Stock::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  const auto buffer = GstPtr<GstBuffer>::adopt(raw);
  static_cast<Outlet*>(gst_pad_get_element_private(pad))->on_buffer(buffer.get());
  return GST_FLOW_OK;
}

// Timers fire in their order, each at its time.
void Stock::advance(RunningTime now) {
  auto* clock = GST_TEST_CLOCK(clock_.get());
  while (true) {
    GstClockID pending = nullptr;
    if (!gst_test_clock_peek_next_pending_id(clock, &pending))
      break;
    const auto due =
        RunningTime{Duration{static_cast<Duration::rep>(gst_clock_id_get_time(pending))}};
    gst_clock_id_unref(pending);
    if (due > now)
      break;
    now_ = std::max(now_, due);
    outlet_.set_now(now_);
    gst_test_clock_set_time(clock, to_gst(now_));
    if (auto* id = gst_test_clock_process_next_clock_id(clock))
      gst_clock_id_unref(id);
    settle();
  }
  now_ = std::max(now_, now);
  outlet_.set_now(now_);
  gst_test_clock_set_time(clock, to_gst(now_));
}

// Until what can go has gone and timers run for the rest.
void Stock::settle() {
  outlet_.wait();
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (gst_test_clock_peek_id_count(GST_TEST_CLOCK(clock_.get())) < outlet_.waiting() &&
         std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
}

void Stock::push(const Arrived& arrived) {
  advance(arrived.arrival);
  const auto at = index(arrived.medium);
  if (arrived.report) {
    gst_pad_push(rtcp_[at].get(), make_rtcp(arrived).release());
    return;
  }
  outlet_.expect(arrived);
  gst_pad_push(rtp_[at].get(), make_rtp(arrived).release());
  settle();
}

Record Stock::finish() {
  advance(now_ + 2s);
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  return outlet_.take();
}

}  // namespace

std::string_view name_of(StockMode mode) {
  constexpr std::array<std::string_view, 4> kNames{"rtpbin always", "rtpbin initial", "rtpbin rtp",
                                                   "rtpbin off"};
  return kNames[static_cast<std::size_t>(mode)];
}

Record run_stock(const Scenario& scenario, std::uint64_t seed, StockMode mode) {
  gst_init(nullptr, nullptr);
  Stock stock{mode};
  Wire wire{scenario, seed};
  while (const auto arrived = wire.next())
    stock.push(*arrived);
  return stock.finish();
}

}  // namespace onair::sim::sync
