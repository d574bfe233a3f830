// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/gstptr.hpp"

#include <concepts>

#include <gtest/gtest.h>

namespace onair {
namespace {

// A raw pointer says nothing about its reference, so it becomes a GstPtr by a verb only.
static_assert(!std::convertible_to<GstBuffer*, GstPtr<GstBuffer>>);
static_assert(!std::constructible_from<GstPtr<GstBuffer>, GstBuffer*>);
static_assert(!std::convertible_to<GstPtr<GstBuffer>, GstBuffer*>);

int count_of(GstBuffer* buffer) {
  return GST_MINI_OBJECT_REFCOUNT_VALUE(buffer);
}
guint count_of(GstElement* element) {
  return G_OBJECT(element)->ref_count;
}

// Whether the object behind `watched` has been freed.
struct Grave {
  bool is_filled = false;
  explicit Grave(GstBuffer* watched) {
    const auto bury =
        +[](gpointer grave, GstMiniObject*) { static_cast<Grave*>(grave)->is_filled = true; };
    gst_mini_object_weak_ref(GST_MINI_OBJECT_CAST(watched), bury, this);
  }
};

class GstPtrTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

TEST_F(GstPtrTest, AdoptTakesOverTheReferenceAndTheEndOfThePointerEndsIt) {
  GstBuffer* raw = gst_buffer_new();
  const Grave grave{raw};
  {
    const auto buffer = GstPtr<GstBuffer>::adopt(raw);
    EXPECT_EQ(buffer.get(), raw);
    EXPECT_EQ(count_of(raw), 1);
    EXPECT_FALSE(grave.is_filled);
  }
  EXPECT_TRUE(grave.is_filled);
}

TEST_F(GstPtrTest, ShareTakesAReferenceOfItsOwn) {
  GstBuffer* raw = gst_buffer_new();
  {
    const auto buffer = GstPtr<GstBuffer>::share(raw);
    EXPECT_EQ(count_of(raw), 2);
  }
  EXPECT_EQ(count_of(raw), 1);
  gst_buffer_unref(raw);
}

TEST_F(GstPtrTest, SinkTakesOverAFloatingObject) {
  GstElement* raw = gst_bin_new(nullptr);
  ASSERT_TRUE(g_object_is_floating(raw));
  const auto element = GstPtr<GstElement>::sink(raw);
  EXPECT_FALSE(g_object_is_floating(raw));
  EXPECT_EQ(count_of(raw), 1u);
}

TEST_F(GstPtrTest, SinkSharesAnObjectThatFloatsNoMore) {
  const auto first = GstPtr<GstElement>::sink(gst_bin_new(nullptr));
  {
    const auto second = GstPtr<GstElement>::sink(first.get());
    EXPECT_EQ(count_of(first.get()), 2u);
  }
  EXPECT_EQ(count_of(first.get()), 1u);
}

TEST_F(GstPtrTest, ReleaseHandsOverTheReferenceAndLeavesThePointerEmpty) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  GstBuffer* raw = buffer.release();
  EXPECT_EQ(buffer.get(), nullptr);
  EXPECT_FALSE(buffer);
  EXPECT_EQ(count_of(raw), 1);
  gst_buffer_unref(raw);
}

TEST_F(GstPtrTest, ResetEndsTheReferenceAtOnceAndTwiceDoesNoHarm) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  const Grave grave{buffer.get()};
  buffer.reset();
  EXPECT_TRUE(grave.is_filled);
  buffer.reset();
  EXPECT_FALSE(buffer);
}

TEST_F(GstPtrTest, EveryVerbTakesNull) {
  EXPECT_FALSE(GstPtr<GstBuffer>::adopt(nullptr));
  EXPECT_FALSE(GstPtr<GstBuffer>::share(nullptr));
  EXPECT_FALSE(GstPtr<GstElement>::sink(nullptr));
  GstPtr<GstBuffer> empty;
  EXPECT_EQ(empty.release(), nullptr);
  const GstPtr<GstBuffer> copy{empty};
  EXPECT_FALSE(copy);
}

TEST_F(GstPtrTest, ACopyCountsAndAMoveDoesNot) {
  auto first = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  GstBuffer* raw = first.get();
  {
    const auto copy = first;
    EXPECT_EQ(copy.get(), raw);
    EXPECT_EQ(count_of(raw), 2);
  }
  EXPECT_EQ(count_of(raw), 1);
  const auto moved = std::move(first);
  EXPECT_EQ(moved.get(), raw);
  EXPECT_EQ(count_of(raw), 1);
}

TEST_F(GstPtrTest, AssignmentEndsTheOldReference) {
  auto first = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  auto second = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  const Grave grave{second.get()};
  second = first;
  EXPECT_TRUE(grave.is_filled);
  EXPECT_EQ(count_of(first.get()), 2);
  second = GstPtr<GstBuffer>{};
  EXPECT_EQ(count_of(first.get()), 1);
}

TEST_F(GstPtrTest, AssigningToItselfKeepsTheObject) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  auto& itself = buffer;
  buffer = itself;
  ASSERT_TRUE(buffer);
  EXPECT_EQ(count_of(buffer.get()), 1);
  buffer = std::move(itself);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(count_of(buffer.get()), 1);
}

TEST_F(GstPtrTest, ObjectsAndMiniObjectsAreCountedEachInTheirWay) {
  const auto bin = GstPtr<GstElement>::sink(gst_bin_new(nullptr));
  {
    const auto shared = GstPtr<GstElement>::share(bin.get());
    EXPECT_EQ(count_of(bin.get()), 2u);
  }
  EXPECT_EQ(count_of(bin.get()), 1u);
  // Under the sanitizers a wrong way of counting any of these is a leak or worse.
  EXPECT_TRUE(GstPtr<GstCaps>::adopt(gst_caps_new_any()));
  EXPECT_TRUE(GstPtr<GstEvent>::adopt(gst_event_new_eos()));
  EXPECT_TRUE(GstPtr<GstMessage>::adopt(gst_message_new_eos(nullptr)));
  const auto promise = GstPtr<GstPromise>::adopt(gst_promise_new());
  gst_promise_expire(promise.get());  // an unanswered one must not end
  EXPECT_TRUE(GstPtr<GstSample>::adopt(gst_sample_new(nullptr, nullptr, nullptr, nullptr)));
}

TEST_F(GstPtrTest, MemoryStructuresAndErrorsFreeThemselves) {
  const GMemory<char> text{g_strdup("text")};
  EXPECT_STREQ(text.get(), "text");
  const StructurePtr structure{gst_structure_new_empty("stats")};
  EXPECT_TRUE(structure);
  const ErrorPtr error{g_error_new_literal(GST_CORE_ERROR, GST_CORE_ERROR_FAILED, "broken")};
  EXPECT_STREQ(error->message, "broken");
  EXPECT_FALSE(GMemory<char>{});
}

}  // namespace
}  // namespace onair
