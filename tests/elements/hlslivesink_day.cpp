// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink for an hour of media, or for as long as SOAK_MINUTES says: 1440 are a day of 86 400 segments.
// Its time is a test clock's, so it runs as fast as it can. What is written adds up, numbers have no
// holes, and memory stays what it was after the first minutes.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <mutex>
#include <ostream>
#include <string>
#include <utility>

#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "element_bench.hpp"
#include "gst_environment.hpp"
#include "on_a_thread.hpp"
#include "patience.hpp"
#include "structure_fields.hpp"

namespace onair::test {
namespace {

using namespace std::string_literals;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

constexpr Duration kSoundFrame{24ms};  // MP3 at 48 kHz
constexpr Duration kPicture{250ms};
constexpr Duration kTarget{1s};

// One sink pad and what feeds it, which remembers no more than it must for a day.
class Feed {
 public:
  Feed(GstElement* element, const char* name, const char* caps)
      : source_{GstPtr<GstPad>::sink(gst_pad_new(name, GST_PAD_SRC))} {
    gst_pad_set_element_private(source_.get(), this);
    gst_pad_set_event_function(source_.get(), on_event);
    gst_pad_set_active(source_.get(), TRUE);
    const auto sink = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(element, name));
    EXPECT_EQ(gst_pad_link(source_.get(), sink.get()), GST_PAD_LINK_OK);
    gst_pad_push_event(source_.get(), gst_event_new_stream_start(name));
    const auto its = GstPtr<GstCaps>::adopt(gst_caps_from_string(caps));
    gst_pad_push_event(source_.get(), gst_event_new_caps(its.get()));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(source_.get(), gst_event_new_segment(&segment));
  }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed() { gst_pad_set_active(source_.get(), FALSE); }

  GstFlowReturn sound(Duration pts) { return push(std::string(48, '.'), pts, kSoundFrame, false); }
  // A key frame where one was asked for, and at first.
  GstFlowReturn picture(Duration pts) {
    const bool is_key = answer(ns(pts)) || pts == 0s;
    auto bytes = is_key ? "\0\0\0\1\x67\x42\xc0\x1e\0\0\0\1\x68\xce\0\0\0\1\x65"s : "\0\0\0\1\x41"s;
    bytes.resize(48, '.');
    return push(bytes, pts, kPicture, !is_key);
  }

 private:
  static gboolean on_event(GstPad* pad, GstObject*, GstEvent* event) {
    auto* self = static_cast<Feed*>(gst_pad_get_element_private(pad));
    GstClockTime at = 0;
    if (gst_video_event_is_force_key_unit(event) &&
        gst_video_event_parse_upstream_force_key_unit(event, &at, nullptr, nullptr)) {
      const std::lock_guard lock{self->mutex_};
      self->asked_.push_back(GST_CLOCK_TIME_IS_VALID(at) ? at : 0);
    }
    gst_event_unref(event);
    return TRUE;
  }

  bool answer(GstClockTime pts) {
    const std::lock_guard lock{mutex_};
    return std::erase_if(asked_, [pts](GstClockTime at) { return at <= pts; }) > 0;
  }

  GstFlowReturn push(const std::string& bytes, Duration pts, Duration duration, bool is_delta) {
    GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
    GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = ns(pts);
    GST_BUFFER_DURATION(buffer) = ns(duration);
    if (is_delta)
      GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    return gst_pad_push(source_.get(), buffer);
  }

  GstPtr<GstPad> source_;
  std::mutex mutex_;
  std::deque<GstClockTime> asked_;
};

// Reads the element's messages as they are posted, and keeps sums.
class Ledger {
 public:
  explicit Ledger(GstElement* element) : bus_{GstPtr<GstBus>::adopt(gst_element_get_bus(element))} {
    gst_bus_set_sync_handler(bus_.get(), on_message, this, nullptr);
  }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  ~Ledger() { gst_bus_set_sync_handler(bus_.get(), nullptr, nullptr, nullptr); }

  bool wait_for(std::uint64_t segments) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, kPatience, [&] { return segments_ >= segments; });
  }
  [[nodiscard]] Duration worst() const { return worst_; }
  [[nodiscard]] std::uint64_t parts() const { return parts_; }
  [[nodiscard]] std::uint64_t segments() const { return segments_; }

 private:
  static Duration time_of(const GstStructure* structure, const char* field) {
    return Duration{static_cast<Duration::rep>(uint64_of(structure, field))};
  }

  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer raw) {
    auto* self = static_cast<Ledger*>(raw);
    const auto type = GST_MESSAGE_TYPE(message);
    EXPECT_TRUE(type != GST_MESSAGE_ERROR && type != GST_MESSAGE_WARNING);
    const auto* structure = gst_message_get_structure(message);
    const std::lock_guard lock{self->mutex_};
    if (gst_message_has_name(message, "hlslivesink-part"))
      self->on_part(structure);
    else if (gst_message_has_name(message, "hlslivesink-segment"))
      self->on_segment(structure);
    gst_message_unref(message);
    return GST_BUS_DROP;
  }

  void on_part(const GstStructure* part) {
    EXPECT_EQ(time_of(part, "running-time"), parts_end_);
    parts_end_ += time_of(part, "duration");
    ++parts_;
  }

  void on_segment(const GstStructure* segment) {
    EXPECT_EQ(uint64_of(segment, "sequence"), segments_);
    EXPECT_FALSE(flag_of(segment, "gap"));
    EXPECT_EQ(time_of(segment, "running-time"), end_);
    end_ += time_of(segment, "duration");
    ++segments_;
    if (parts_ > 0) {
      EXPECT_EQ(parts_end_, end_);
    }
    const auto off = std::chrono::abs(end_ - static_cast<std::int64_t>(segments_) * kTarget);
    worst_ = std::max(worst_, off);
    changed_.notify_all();
  }

  GstPtr<GstBus> bus_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t segments_ = 0;
  std::uint64_t parts_ = 0;
  Duration end_{};
  Duration parts_end_{};
  Duration worst_{};
};

struct Memory {
  std::size_t heap = 0;
  std::size_t resident = 0;
};

Memory memory() {
  std::size_t size = 0;
  std::size_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> size >> resident;
  return {.heap = mallinfo2().uordblks,
          .resident = resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))};
}

std::ostream& operator<<(std::ostream& out, const Memory& memory) {
  return out << memory.heap / 1024 << " KiB of heap, " << memory.resident / 1024 << " KiB resident";
}

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class HlsLiveSinkDay : public testing::TestWithParam<const char*> {};

TEST_P(HlsLiveSinkDay, AddsUpAndTakesNoMoreMemoryThanAtFirst) {
  const auto* asked = std::getenv("SOAK_MINUTES");
  const auto minutes = asked ? std::strtoll(asked, nullptr, 10) : 60;
  const auto length = std::chrono::minutes{minutes};
  const auto settled = std::min<Duration>(length / 4, 10min);

  ElementBench bench{"hlslivesink "s + GetParam()};
  Ledger ledger{bench.element()};
  ASSERT_NE(bench.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  Feed picture{bench.element(), "video_0",
               "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au"};
  Feed sound{bench.element(), "audio_0",
             "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true, "
             "rate=(int)48000, channels=(int)2"};
  // The first key frame waits for the first sound.
  auto first = on_a_thread([&picture] { return picture.picture(0s); });
  ASSERT_EQ(sound.sound(0s), GST_FLOW_OK);
  ASSERT_EQ(first.get(), GST_FLOW_OK);
  const auto before = processor_seconds();
  Memory early;
  Duration shown = kPicture;
  std::int64_t second = 1;
  for (Duration heard = kSoundFrame; heard < length; heard += kSoundFrame) {
    for (; shown <= heard + kPicture; shown += kPicture)
      ASSERT_EQ(picture.picture(shown), GST_FLOW_OK);
    ASSERT_EQ(sound.sound(heard), GST_FLOW_OK);
    if (heard < second * 1s)
      continue;
    bench.set_time(second * 1s);
    // In step, so that what is under way is the same at each look.
    if (second > 2) {
      ASSERT_TRUE(ledger.wait_for(static_cast<std::uint64_t>(second) - 1));
    }
    if (second * 1s == settled)
      early = memory();
    ASSERT_FALSE(HasFailure()) << "at second " << second;
    ++second;
  }
  const auto late = memory();
  const auto seconds = processor_seconds() - before;
  std::cout << minutes << " minutes, " << ledger.segments() << " segments, " << ledger.parts()
            << " parts; off the grid by " << in_ms(ledger.worst()) << " ms at most; at first "
            << early << ", at last " << late << "; " << seconds << " s of processor time\n";
  EXPECT_LE(ledger.worst(), kSoundFrame / 2);
  // Under a sanitizer, memory is its own.
  if (minutes >= 30) {
    // Looks differ by what threads have in their hands, by up to 68 KiB; in eight hours by no more than in one.
    EXPECT_LE(late.heap, early.heap + 128 * 1024);
    EXPECT_LE(late.resident, early.resident + 2 * 1024 * 1024);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, HlsLiveSinkDay,
                         testing::Values("low-latency=false", "low-latency=true"),
                         [](const auto& each) {
                           return std::string{each.param}.ends_with("true") ? "LowLatency"
                                                                            : "Plain";
                         });

}  // namespace
}  // namespace onair::test
