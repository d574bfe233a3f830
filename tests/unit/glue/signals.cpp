// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/signals.hpp"

#include <gtest/gtest.h>

#include "glue/gstptr.hpp"

namespace onair {
namespace {

struct Receiver {
  int calls = 0;
};

class Signals : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  static void on_child_added(GstChildProxy*, GObject*, gchar*, gpointer data) {
    if (const auto receiver = strong_from<Receiver>(data))
      ++receiver->calls;
    else
      ++calls_for_nobody_;
  }

  void SetUp() override { calls_for_nobody_ = 0; }
  // Any signal will do; a bin emits this one for each child.
  void emit() const {
    GstElement* child = gst_bin_new(nullptr);
    ASSERT_TRUE(gst_bin_add(GST_BIN(emitter_.get()), child));
  }
  gulong connect() const {
    return connect_weak(emitter_.get(), "child-added", G_CALLBACK(on_child_added), receiver_);
  }

  GstPtr<GstElement> emitter_ = GstPtr<GstElement>::sink(gst_bin_new(nullptr));
  std::shared_ptr<Receiver> receiver_ = std::make_shared<Receiver>();
  static inline int calls_for_nobody_ = 0;
};

TEST_F(Signals, ALivingReceiverIsCalled) {
  connect();
  emit();
  emit();
  EXPECT_EQ(receiver_->calls, 2);
}

TEST_F(Signals, AConnectionDoesNotKeepItsReceiver) {
  connect();
  EXPECT_EQ(receiver_.use_count(), 1);
  receiver_.reset();
  emit();
  EXPECT_EQ(calls_for_nobody_, 1);
}

TEST_F(Signals, AConnectionThatIsUndoneCallsNobody) {
  g_signal_handler_disconnect(emitter_.get(), connect());
  emit();
  EXPECT_EQ(receiver_->calls, 0);
}

TEST_F(Signals, AConnectionLetsGoOfItsWeakReferenceWithTheEmitter) {
  connect();
  const std::weak_ptr<Receiver> watched = receiver_;
  emitter_.reset();  // the leak check of the sanitizer is what looks here
  EXPECT_FALSE(watched.expired());
}

void count_reply(const std::shared_ptr<Receiver>& receiver, GstPromise* promise) {
  EXPECT_EQ(gst_promise_wait(promise), GST_PROMISE_RESULT_REPLIED);
  ++receiver->calls;
}

TEST_F(Signals, APromiseCallsALivingReceiverWhenItIsAnswered) {
  const auto promise = GstPtr<GstPromise>::adopt(promise_weak<Receiver, &count_reply>(receiver_));
  EXPECT_EQ(receiver_->calls, 0);
  gst_promise_reply(promise.get(), nullptr);
  EXPECT_EQ(receiver_->calls, 1);
}

TEST_F(Signals, APromiseNeitherKeepsNorCallsAReceiverThatIsGone) {
  const auto promise = GstPtr<GstPromise>::adopt(promise_weak<Receiver, &count_reply>(receiver_));
  EXPECT_EQ(receiver_.use_count(), 1);
  const std::weak_ptr<Receiver> watched = receiver_;
  receiver_.reset();
  EXPECT_TRUE(watched.expired());
  gst_promise_reply(promise.get(), nullptr);  // count_reply would read freed memory
}

}  // namespace
}  // namespace onair
