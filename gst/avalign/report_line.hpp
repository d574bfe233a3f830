// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// What the sender reports of one stream say: its wall clock against its media clock, as a line
// through the newest reports that agree. A report is evidence: one that lies off the line of the
// others counts for nothing, and only several that agree on another line are a new one.
class ReportLine {
 public:
  // `most_scatter`: one standard deviation of reports that are worth something.
  ReportLine() = default;
  explicit ReportLine(Duration most_scatter) : most_scatter_{most_scatter} {}

  // The wall clock less the media clock at `media`, from a report that has just come.
  void on_report(MediaTime media, Duration offset);
  // Another media clock: the reports of before say nothing.
  void reset();

  // How fast the media clock runs against the wall clock as far as others know; taken until the
  // reports themselves know better.
  void set_prior_slope(double slope);

  [[nodiscard]] std::size_t agreeing() const { return agreeing_; }  // of at most kReports
  [[nodiscard]] std::size_t size() const { return size_; }
  // Of those that agree, in standard deviations.
  [[nodiscard]] Duration scatter() const { return scatter_; }
  // Enough of them, and they agree.
  [[nodiscard]] bool is_consistent() const;
  // Those that agree do so badly.
  [[nodiscard]] bool is_scattered() const { return scatter_ > most_scatter_; }
  // Some of the newest are off the line: perhaps it has ended, nobody knows yet.
  [[nodiscard]] bool is_in_doubt() const { return outliers_in_a_row_ > 0; }
  // The wall clock less the media clock, in the middle of what reports say. Only where
  // agreeing() > 0.
  [[nodiscard]] Duration offset(MediaTime media) const;
  // The same, as the earliest reports have it. Senders that scatter stamp media when it is handed on
  // in pieces, and that is never too early.
  [[nodiscard]] Duration least_offset(MediaTime media) const { return offset(media) - lateness_; }
  [[nodiscard]] double slope() const { return slope_; }
  // Counts the lines that took the place of another; `step()` is from that to this one.
  [[nodiscard]] std::uint32_t line() const { return line_; }
  [[nodiscard]] Duration step() const { return step_; }

  // That come within this of a line are on it. Measured with Chromium: reports of video scatter by
  // 1 ms, those of sound evenly over the 10 ms that it captures at once.
  static constexpr Duration kTolerance = std::chrono::milliseconds(12);
  static constexpr Duration kMostScatter = std::chrono::milliseconds(4);

 private:
  static constexpr std::size_t kReports = 32;
  struct Report {
    MediaTime media{};
    Duration offset{0};
    bool agrees = false;
  };

  void fit();
  void count_agreeing();
  [[nodiscard]] const Report& back(std::size_t age) const {
    return reports_[(next_ + kReports - 1 - age) % kReports];
  }
  [[nodiscard]] Report& back(std::size_t age) {
    return reports_[(next_ + kReports - 1 - age) % kReports];
  }
  [[nodiscard]] bool begin_another();

  Duration most_scatter_ = kMostScatter;
  std::array<Report, kReports> reports_{};
  std::size_t next_ = 0;
  std::size_t size_ = 0;
  std::size_t agreeing_ = 0;
  std::size_t outliers_in_a_row_ = 0;
  Duration scatter_{0};
  bool has_scattered_ = false;  // has to be made up for by many that do not
  Duration lateness_{0};        // of the middle
  // The line: through (media_, offset_), with slope_ seconds per second.
  MediaTime media_{};
  Duration offset_{0};
  double slope_ = 0;
  double prior_slope_ = 0;
  std::uint32_t line_ = 0;
  Duration step_{0};
};

}  // namespace onair
