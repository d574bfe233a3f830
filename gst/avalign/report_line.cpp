// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report_line.hpp"

#include <algorithm>
#include <cmath>

namespace onair {
namespace {

using Seconds = std::chrono::duration<double>;

// So many reports in a row on another line, or more than the old line has, and it is the line.
constexpr std::size_t kReportsOfAnother = 3;
// Of the reports since the line began must agree. One in seven may be garbage.
constexpr double kLeastAgreeing = 0.7;
constexpr double kPriorSlopeDeviation = 50e-6;
constexpr double kPriorScatter = 1e-3;  // s

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
}

void ReportLine::reset() {
  const auto prior = prior_slope_;
  const auto line = line_;
  *this = ReportLine{};
  prior_slope_ = prior;
  line_ = line;
}

bool ReportLine::is_consistent() const {
  return agreeing_ > 0 && scatter_ <= kMostScatter &&
         static_cast<double>(agreeing_) >= kLeastAgreeing * static_cast<double>(size_);
}

Duration ReportLine::offset(MediaTime media) const {
  return offset_ + from_seconds(slope_ * seconds(media - media_));
}

bool ReportLine::begin_another() {
  const auto count = std::min(outliers_in_a_row_, size_);
  if (count < kReportsOfAnother && count <= agreeing_)
    return false;
  const auto& newest = back(0);
  for (std::size_t age = 1; age < count; ++age) {
    const auto& report = back(age);
    const auto carried =
        report.offset + from_seconds(slope_ * seconds(newest.media - report.media));
    if (std::chrono::abs(carried - newest.offset) > kTolerance)
      return false;
  }
  step_ = newest.offset - offset(newest.media);
  ++line_;
  size_ = count;
  outliers_in_a_row_ = 0;
  for (std::size_t age = 0; age < size_; ++age)
    back(age).agrees = true;
  return true;
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
  scatter_ = agreeing_ > 1 ? from_seconds(std::sqrt(residuals / static_cast<double>(agreeing_ - 1)))
                           : Duration{0};
}

}  // namespace onair
