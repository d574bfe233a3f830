// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report_line.hpp"

#include <algorithm>
#include <cmath>

namespace onair {
namespace {

using Seconds = std::chrono::duration<double>;

// So many reports on another line, with none on the old one since as many, and it is the line.
constexpr std::size_t kReportsOfAnother = 3;
// Of so many newest reports most must agree. One in seven may be garbage.
constexpr std::size_t kNewest = 8;
constexpr double kPriorSlopeDeviation = 50e-6;
constexpr double kPriorScatter = 1e-3;  // s
constexpr double kPriorReports = 2;     // that scattered so
// That much is the reading of clocks, as often early as late. Beyond it, pieces: a uniform distribution
// reaches from its middle as far as the root of 3 times its deviation.
constexpr double kClockScatter = 1.5e-3;  // s

double seconds(Duration duration) {
  return Seconds{duration}.count();
}

Duration from_seconds(double value) {
  return Duration{std::llround(value * 1e9)};
}

}  // namespace

void ReportLine::on_report(MediaTime media, Duration offset) {
  const bool agrees =
      agreeing_ == 0 || std::chrono::abs(offset - this->offset(media)) <= kTolerance;
  reports_[next_] = {media, offset, agrees};
  next_ = (next_ + 1) % kReports;
  size_ = std::min(size_ + 1, kReports);
  if (agrees) {
    outliers_in_a_row_ = 0;
    fit();
    return;
  }
  ++outliers_in_a_row_;
  if (begin_another())
    fit();
  else
    count_agreeing();
}

void ReportLine::set_prior_slope(double slope) {
  if (slope == prior_slope_)
    return;
  prior_slope_ = slope;
  if (agreeing_ > 0)
    fit();
}

void ReportLine::reset() {
  const auto prior = prior_slope_;
  const auto line = line_;
  *this = ReportLine{most_scatter_};
  prior_slope_ = prior;
  line_ = line;
}

bool ReportLine::is_consistent() const {
  const auto count = std::min(size_, kNewest);
  std::size_t agree = 0;
  for (std::size_t age = 0; age < count; ++age)
    agree += back(age).agrees ? 1 : 0;
  return 2 * agree > count && !is_scattered() && (!has_scattered_ || agreeing_ >= kNewest);
}

Duration ReportLine::offset(MediaTime media) const {
  return offset_ + from_seconds(slope_ * seconds(media - media_));
}

// The newest one and those that agree with it, garbage among them or not: more than the old line has,
// or several since the old line was last seen.
bool ReportLine::begin_another() {
  const auto& newest = back(0);
  const auto agrees = [&](const Report& report) {
    const auto carried =
        report.offset + from_seconds(slope_ * seconds(newest.media - report.media));
    return std::chrono::abs(carried - newest.offset) <= kTolerance;
  };
  std::size_t count = 0;
  std::size_t oldest = 0;
  for (std::size_t age = 0; age < size_; ++age) {
    if (!agrees(back(age)))
      continue;
    ++count;
    oldest = age;
  }
  const bool is_settled = count >= kReportsOfAnother && outliers_in_a_row_ >= kReportsOfAnother;
  if (count <= agreeing_ && !is_settled)
    return false;
  step_ = newest.offset - offset(newest.media);
  ++line_;
  size_ = oldest + 1;
  outliers_in_a_row_ = 0;
  for (std::size_t age = 0; age < size_; ++age)
    back(age).agrees = agrees(back(age));
  return true;
}

// The oldest may have made room for one that does not agree.
void ReportLine::count_agreeing() {
  agreeing_ = 0;
  for (std::size_t age = 0; age < size_; ++age)
    agreeing_ += back(age).agrees ? 1 : 0;
}

// Least squares with a prior for the slope, over those that agree; then anew who agrees.
void ReportLine::fit() {
  const auto& origin = back(0);
  double count = 0;
  double sum_x = 0;
  double sum_y = 0;
  for (std::size_t age = 0; age < size_; ++age) {
    const auto& report = back(age);
    if (!report.agrees)
      continue;
    ++count;
    sum_x += seconds(report.media - origin.media);
    sum_y += seconds(report.offset - origin.offset);
  }
  const double mean_x = sum_x / count;
  const double mean_y = sum_y / count;
  double squares = 0;
  double products = 0;
  for (std::size_t age = 0; age < size_; ++age) {
    const auto& report = back(age);
    if (!report.agrees)
      continue;
    const double x = seconds(report.media - origin.media) - mean_x;
    squares += x * x;
    products += x * (seconds(report.offset - origin.offset) - mean_y);
  }
  const double scatter = std::max(kPriorScatter, seconds(scatter_));
  const double prior_weight = std::pow(scatter / kPriorSlopeDeviation, 2);
  slope_ = (products + prior_weight * prior_slope_) / (squares + prior_weight);
  media_ = origin.media;
  offset_ = origin.offset + from_seconds(mean_y - slope_ * mean_x);

  double residuals = 0;
  agreeing_ = 0;
  for (std::size_t age = 0; age < size_; ++age) {
    auto& report = back(age);
    const auto residual = report.offset - offset(report.media);
    report.agrees = std::chrono::abs(residual) <= kTolerance;
    if (!report.agrees)
      continue;
    ++agreeing_;
    residuals += std::pow(seconds(residual), 2);
  }
  // Two say little about it: some are taken to have scattered as usual.
  scatter_ = from_seconds(std::sqrt((residuals + kPriorReports * kPriorScatter * kPriorScatter) /
                                    (static_cast<double>(agreeing_) - 1 + kPriorReports)));
  if (is_scattered())
    has_scattered_ = true;
  else if (agreeing_ >= kNewest)
    has_scattered_ = false;
  const double pieces = std::pow(seconds(scatter_), 2) - kClockScatter * kClockScatter;
  lateness_ = from_seconds(std::sqrt(3 * std::max(0.0, pieces)));
}

}  // namespace onair
