// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include "aligner.hpp"
#include "synchroniser.hpp"

namespace onair::sim::sync {

class Ours : public Synchroniser {
 public:
  explicit Ours(const Aligner::Config& config = {})
      : aligner_{config},
        streams_{aligner_.add_stream(Aligner::Kind::Audio),
                 aligner_.add_stream(Aligner::Kind::Video)} {}

  [[nodiscard]] std::string_view name() const override { return "avaligner"; }
  void on_unit(Medium medium, const Unit& unit, RunningTime now) override {
    aligner_.on_unit(stream(medium),
                     {.id = unit.id,
                      .media = unit.media,
                      .arrival = unit.arrival,
                      .ntp = unit.ntp,
                      .ssrc = unit.ssrc},
                     now);
  }
  void on_time(RunningTime now) override { aligner_.on_time(now); }
  std::optional<Placed> take(Medium medium) override {
    const auto placed = aligner_.take(stream(medium));
    if (!placed)
      return std::nullopt;
    return Placed{placed->id, placed->time, placed->is_break, placed->is_dropped};
  }
  [[nodiscard]] std::optional<RunningTime> next_deadline() const override {
    return aligner_.next_deadline();
  }
  void end(Medium medium, RunningTime now) override { aligner_.end(stream(medium), now); }

 private:
  [[nodiscard]] Aligner::StreamId stream(Medium medium) const {
    return streams_[medium == Medium::Audio ? 0 : 1];
  }
  Aligner aligner_;
  std::array<Aligner::StreamId, 2> streams_;
};

}  // namespace onair::sim::sync
