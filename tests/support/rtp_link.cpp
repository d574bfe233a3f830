// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_link.hpp"

#include <array>
#include <utility>

#include <gtest/gtest.h>

#include "patience.hpp"

namespace onair::test {

bool read_rtp_id(GstBuffer* buffer, RtpId& id) {
  std::array<guint8, 12> head{};
  if (gst_buffer_extract(buffer, 0, head.data(), head.size()) != head.size())
    return false;
  const unsigned packet_type = head[1];
  const bool is_rtcp = packet_type >= 192 && packet_type <= 223;
  if ((head[0] & 0xc0) != 0x80 || is_rtcp)
    return false;
  id.payload_type = static_cast<guint8>(head[1] & 0x7f);
  id.sequence = static_cast<guint16>(head[2] << 8 | head[3]);
  id.ssrc = static_cast<guint32>(head[8]) << 24 | static_cast<guint32>(head[9]) << 16 |
            static_cast<guint32>(head[10]) << 8 | static_cast<guint32>(head[11]);
  return true;
}

RtpLink::RtpLink(Config config)
    : media_type_{config.media_type},
      delay_{config.delay},
      loss_{config.seed},
      sink_{GstPtr<GstPad>::sink(gst_pad_new("sink", GST_PAD_SINK))},
      src_{GstPtr<GstPad>::sink(gst_pad_new("src", GST_PAD_SRC))} {
  gst_pad_set_element_private(sink_.get(), this);
  gst_pad_set_chain_function(sink_.get(), on_buffer);
  gst_pad_set_event_function(sink_.get(), on_event);
  gst_pad_set_active(sink_.get(), TRUE);
  gst_pad_set_active(src_.get(), TRUE);
}

RtpLink::~RtpLink() {
  stop();
  for (auto* pad : {sink_.get(), src_.get()}) {
    if (const auto peer = GstPtr<GstPad>::adopt(gst_pad_get_peer(pad))) {
      if (pad == sink_.get())
        gst_pad_unlink(peer.get(), pad);
      else
        gst_pad_unlink(pad, peer.get());
    }
    gst_pad_set_active(pad, FALSE);
  }
}

void RtpLink::connect(GstPad* from, GstElement* receiver, GstPad* to) {
  receiver_ = GstPtr<GstElement>::share(receiver);
  EXPECT_EQ(gst_pad_link(src_.get(), to), GST_PAD_LINK_OK);
  courier_ = std::thread{[this] { deliver(); }};
  EXPECT_EQ(gst_pad_link(from, sink_.get()), GST_PAD_LINK_OK);
}

void RtpLink::stop() {
  {
    const std::lock_guard lock{mutex_};
    is_stopped_ = true;
    travelling_.clear();
  }
  changed_.notify_all();
  if (courier_.joinable())
    courier_.join();
}

void RtpLink::lose(double share) {
  const std::lock_guard lock{mutex_};
  loss_.set_share(share);
}

void RtpLink::swap_every(unsigned n) {
  const std::lock_guard lock{mutex_};
  swap_every_ = n;
}

void RtpLink::set_delay(std::chrono::milliseconds delay) {
  const std::lock_guard lock{mutex_};
  delay_ = delay;
}

void RtpLink::pause() {
  std::unique_lock lock{mutex_};
  is_paused_ = true;
  travelling_.clear();
  changed_.wait(lock, [&] { return !is_arriving_; });
}

void RtpLink::resume() {
  const std::lock_guard lock{mutex_};
  is_paused_ = false;
}

void RtpLink::reopen() {
  const std::lock_guard lock{mutex_};
  is_opened_ = false;
}

void RtpLink::cut() {
  const std::lock_guard lock{mutex_};
  is_cut_ = true;
  travelling_.clear();
}

std::set<RtpId> RtpLink::lost() {
  const std::lock_guard lock{mutex_};
  return lost_;
}

guint64 RtpLink::sent() {
  const std::lock_guard lock{mutex_};
  return sent_;
}

guint64 RtpLink::arrived() {
  const std::lock_guard lock{mutex_};
  return arrived_;
}

bool RtpLink::wait_for_arrived(guint64 count) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return arrived_ >= count; });
}

GstFlowReturn RtpLink::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  auto* self = static_cast<RtpLink*>(gst_pad_get_element_private(pad));
  auto buffer = GstPtr<GstBuffer>::adopt(raw);
  {
    const std::lock_guard lock{self->mutex_};
    if (self->is_stopped_ || self->is_cut_ || self->is_paused_)
      return GST_FLOW_OK;
    ++self->sent_;
    RtpId id;
    if (read_rtp_id(raw, id) && self->loss_.loses_next()) {
      self->lost_.insert(id);
      return GST_FLOW_OK;
    }
    if (self->swap_every_ > 0 && self->sent_ % self->swap_every_ == 0 && !self->overtaken_) {
      self->overtaken_ = std::move(buffer);
      return GST_FLOW_OK;
    }
    self->travel(std::move(buffer));
    if (self->overtaken_)
      self->travel(std::move(self->overtaken_));
  }
  self->changed_.notify_all();
  return GST_FLOW_OK;
}

void RtpLink::travel(GstPtr<GstBuffer> buffer) {
  travelling_.push_back(
      {.due = std::chrono::steady_clock::now() + delay_, .buffer = std::move(buffer)});
}

// Nothing but packets crosses a network.
gboolean RtpLink::on_event(GstPad*, GstObject*, GstEvent* event) {
  gst_event_unref(event);
  return TRUE;
}

void RtpLink::send_opening_events() {
  const GMemory<char> stream_id{g_strdup_printf("link-%p", static_cast<void*>(this))};
  gst_pad_push_event(src_.get(), gst_event_new_stream_start(stream_id.get()));
  // What the payload types mean is asked for, as after udpsrc without caps of its own.
  const auto caps = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple(media_type_));
  gst_pad_push_event(src_.get(), gst_event_new_caps(caps.get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(src_.get(), gst_event_new_segment(&segment));
}

void RtpLink::deliver() {
  std::unique_lock lock{mutex_};
  while (!is_stopped_) {
    if (travelling_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto due = travelling_.front().due;
    if (std::chrono::steady_clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    auto buffer = std::move(travelling_.front().buffer);
    travelling_.pop_front();
    const bool is_opened = std::exchange(is_opened_, true);
    is_arriving_ = true;
    lock.unlock();
    if (!is_opened)
      send_opening_events();
    GstBuffer* arriving = gst_buffer_make_writable(buffer.release());
    GST_BUFFER_PTS(arriving) = gst_element_get_current_running_time(receiver_.get());
    GST_BUFFER_DTS(arriving) = GST_BUFFER_PTS(arriving);
    gst_pad_push(src_.get(), arriving);
    lock.lock();
    is_arriving_ = false;
    ++arrived_;
    changed_.notify_all();
  }
}

}  // namespace onair::test
