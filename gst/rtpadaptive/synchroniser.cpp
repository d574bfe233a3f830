// SPDX-License-Identifier: LGPL-2.1-or-later
#include "synchroniser.hpp"

#include <utility>

namespace onair {

bool Synchroniser::on_report(const SenderReport& said) {
  // A wall clock that was set back begins anew.
  if (told_ && said.ntp >= told_->ntp && said.ntp - told_->ntp < interval_)
    return false;
  told_ = said;
  rtp_info_is_new_ = false;
  return true;
}

bool Synchroniser::on_packet(const SenderReport& said) {
  const bool is_same = told_ && said.ssrc == told_->ssrc && said.ticks == told_->ticks;
  return !is_same && on_report(said);
}

bool Synchroniser::on_rtp_info() {
  return std::exchange(rtp_info_is_new_, false);
}

}  // namespace onair
