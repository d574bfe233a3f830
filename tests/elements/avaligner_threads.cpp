// SPDX-License-Identifier: LGPL-2.1-or-later
// avaligner: many threads at once. What can be asserted is that nobody crashes, hangs or is told of a
// mistake, and that the streams that are left alone stay whole; the sanitizers see the rest.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "avaligner_bench.hpp"
#include "busy.hpp"
#include "fatal_warnings.hpp"

namespace onair::test {
namespace {

class AvAlignerThreads : public FatalWarningsTest {};

// Rounds, until there were so many or the time is over: a sanitizer is slow.
class Rounds {
 public:
  explicit Rounds(int most) : left_{most} {}
  bool next() {
    return left_-- > 0 && std::chrono::steady_clock::now() - start_ < std::chrono::seconds(2);
  }

 private:
  int left_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void ask(GstPad* pad) {
  GstQuery* query = gst_query_new_latency();
  gst_pad_query(pad, query);
  gst_query_unref(query);
}

TEST_F(AvAlignerThreads, PadsComeAndGoWhileOtherStreamsFlow) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  std::atomic<std::int64_t> newest{0};
  std::size_t sounds = 0;
  {
    const Busy sound{[&](std::int64_t n) {
      EXPECT_EQ(audio.push_now(audio.unit(n)), GST_FLOW_OK);
      newest = n;
    }};
    const Busy picture{
        [&](std::int64_t) { EXPECT_EQ(video.push_now(video.unit(newest / 2)), GST_FLOW_OK); }};
    for (Rounds rounds{300}; rounds.next();) {
      auto& other = bench.add("video_1");
      std::atomic<std::int64_t> pushed{0};
      {
        const Busy feeder{[&](std::int64_t) {
          other.push_now(other.unit(newest / 2));
          ++pushed;
        }};
        while (pushed < 3)
          std::this_thread::yield();
        bench.give_back(other);
      }
      bench.release(other);
      video.forget();
    }
  }
  EXPECT_TRUE(audio.wait_for("#" + std::to_string(newest)));
  for (const auto& item : audio.buffers()) {
    EXPECT_EQ(item.name, "#" + std::to_string(sounds++));
    EXPECT_EQ(GST_BUFFER_PTS(item.buffer.get()),
              ns(static_cast<std::int64_t>(sounds - 1) * kAudioSpacing));
  }
}

TEST_F(AvAlignerThreads, EventsAndQueriesFromAnywhereWhileAPadIsReleased) {
  AlignerBench bench;
  for (Rounds rounds{200}; rounds.next();) {
    auto& stream = bench.add("audio_0");
    std::atomic<int> begun{0};
    {
      const Busy upstream{[&](std::int64_t n) {
        stream.push_now(stream.unit(n));
        ++begun;
      }};
      const Busy downstream{[&](std::int64_t) {
        gst_pad_push_event(stream.recorder(), gst_event_new_qos(GST_QOS_TYPE_OVERFLOW, 1, 0, 7));
        gst_pad_push_event(stream.recorder(), gst_event_new_reconfigure());
        ask(stream.out());
        ++begun;
      }};
      const Busy outside{[&](std::int64_t) {
        gst_pad_send_event(stream.in(), gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
                                                             gst_structure_new_empty("oob")));
        for (GstPad* pad : {stream.in(), stream.out()}) {
          if (GstIterator* links = gst_pad_iterate_internal_links(pad))
            gst_iterator_free(links);
          const auto caps = GstPtr<GstCaps>::adopt(gst_pad_query_caps(pad, nullptr));
        }
        ++begun;
      }};
      while (begun < 20)
        std::this_thread::yield();
      bench.give_back(stream);
    }
    bench.release(stream);
  }
}

TEST_F(AvAlignerThreads, PadsOfAnyNumberAreAskedForByManyAtOnce) {
  AlignerBench bench;
  const auto come_and_go = [&](std::int64_t) {
    const auto pad =
        GstPtr<GstPad>::adopt(gst_element_request_pad_simple(bench.element(), "audio_%u"));
    EXPECT_TRUE(pad);
    gst_element_release_request_pad(bench.element(), pad.get());
  };
  const Busy second{come_and_go};
  const Busy third{come_and_go};
  for (Rounds rounds{200}; rounds.next();)
    come_and_go(0);
}

TEST_F(AvAlignerThreads, StatesPropertiesAndStatisticsWhileMediaFlow) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  const Busy settings{[&](std::int64_t n) {
    bench.set("sr-trust", n % 2 == 0 ? "never" : "always");
    bench.set("audio-delay", n % 3 == 0 ? "1000000" : "0");
    bench.set("adjust-frames", n % 5 == 0 ? "true" : "false");
    bench.stats();
  }};
  for (Rounds rounds{150}; rounds.next();) {
    std::atomic<std::int64_t> pushed{0};
    {
      const Busy sound{[&](std::int64_t n) { audio.push_now(audio.unit(n)), ++pushed; }};
      const Busy picture{[&](std::int64_t n) { video.push_now(video.unit(n)); }};
      while (pushed < 50)
        std::this_thread::yield();
      bench.set_state(GST_STATE_PAUSED);
      bench.set_state(GST_STATE_PLAYING);
      EXPECT_EQ(bench.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    }
    EXPECT_EQ(bench.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    for (auto* stream : {&audio, &video}) {
      stream->forget();
      stream->open();
    }
  }
}

TEST_F(AvAlignerThreads, FlushesWhileTheOtherStreamFlows) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  std::atomic<std::int64_t> newest{0};
  {
    const Busy sound{[&](std::int64_t n) {
      EXPECT_EQ(audio.push_now(audio.unit(n)), GST_FLOW_OK);
      newest = n;
    }};
    for (Rounds rounds{300}; rounds.next();) {
      for (int i = 0; i < 10; ++i)
        video.push_now(video.unit(newest / 2));
      video.push_event(gst_event_new_flush_start());
      video.push_event(gst_event_new_flush_stop(TRUE));
      video.push_segment(0, 0);
      video.forget();
    }
  }
  EXPECT_TRUE(audio.wait_for("#" + std::to_string(newest)));
  EXPECT_EQ(audio.buffers().size(), static_cast<std::size_t>(newest) + 1);
}

}  // namespace
}  // namespace onair::test
