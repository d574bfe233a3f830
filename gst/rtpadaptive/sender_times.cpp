// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sender_times.hpp"

#include <utility>

#include "media_clock.hpp"
#include "sender_report.hpp"
#include "structures.hpp"

namespace onair {

void SenderTimes::set_settings(const Settings& settings) {
  settings_ = settings;
  synchroniser_.set_interval(settings.interval);
}

StructurePtr SenderTimes::make(std::uint32_t ssrc, std::int64_t ticks,
                               const MediaClock& clock) const {
  return StructurePtr{make_sync(ssrc, clock, base_time(clock, ticks), range_, cname_)};
}

void SenderTimes::on_report(const ParsedReport& report, GstPtr<GstBuffer> packet) {
  pending_ = Pending{.report = report, .packet = std::move(packet)};
}

StructurePtr SenderTimes::take_report(const MediaClock& clock) {
  if (!pending_ || !clock.is_anchored())
    return nullptr;
  const auto [report, packet] = *std::exchange(pending_, std::nullopt);
  const SenderReport said{
      .ssrc = report.ssrc, .ticks = clock.unroll(report.rtp_time), .ntp = report.ntp};
  clock_.on_report(said);
  if (!synchroniser_.on_report(said))
    return nullptr;
  const auto result = synchronise(said, clock, settings_.max_ahead);
  if (!result)
    return nullptr;
  auto sync = make(said.ssrc, said.ticks, clock);
  add_report(sync.get(), result->report_ticks, said.ntp, packet.get());
  return sync;
}

StructurePtr SenderTimes::take_packet_time(const JitterBuffer::Packet& packet, NtpTime ntp,
                                           const MediaClock& clock) {
  const SenderReport said{.ssrc = packet.ssrc, .ticks = clock.unroll(packet.rtp_time), .ntp = ntp};
  if (said.ticks < clock.newest_ticks())
    return nullptr;  // reordered, or repaired: a later one has told
  clock_.on_report(said);
  // Without a CNAME nobody could say which streams belong together.
  if (cname_.empty() || !synchroniser_.on_packet(said))
    return nullptr;
  auto sync = make(said.ssrc, said.ticks, clock);
  add_packet_time(sync.get(), said.ticks, said.ntp);
  return sync;
}

StructurePtr SenderTimes::take_rtp_info(std::uint32_t ssrc, const JitterBuffer& buffer) {
  if (!synchroniser_.on_rtp_info())
    return nullptr;
  const auto first = buffer.announced_ticks();
  return first ? make(ssrc, *first, buffer.clock()) : nullptr;
}

void SenderTimes::on_capture_time(const JitterBuffer::Release& release, NtpTime ntp) {
  clock_.on_capture_time(release.ssrc, release.ticks, ntp);
  ++capture_times_;
}

bool SenderTimes::learn_cname(std::string cname) {
  if (cname.empty() || cname == cname_)
    return false;
  cname_ = std::move(cname);
  return true;
}

// The same range comes again with each flush, and tells nothing of what comes behind it.
bool SenderTimes::learn_range(const PlayRange& range) {
  if (range == range_)
    return false;
  range_ = range;
  if (range_.first_rtp_time)
    synchroniser_.expect_rtp_info();
  return true;
}

void SenderTimes::on_new_stream() {
  clock_.forget_report();
  if (range_.first_rtp_time)
    synchroniser_.expect_rtp_info();
}

void SenderTimes::reset() {
  clock_ = {};
  pending_.reset();
  synchroniser_.reset();
}

}  // namespace onair
