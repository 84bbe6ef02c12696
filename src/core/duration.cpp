#include "duration.hpp"

#include <ctime>
#include <utility>

namespace hpkp {

namespace {

struct Unit {
    char letter;
    std::int64_t seconds;
};

constexpr Unit kUnits[] = {{'y', 31536000}, {'M', 2592000}, {'w', 604800}, {'d', 86400},
                           {'h', 3600},     {'m', 60},      {'s', 1}};

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

}  // namespace

std::optional<std::int64_t> parse_duration(std::string_view text)
{
    std::int64_t total = 0;
    const Unit* next_unit = std::begin(kUnits);
    bool any = false;

    for (std::size_t i = 0; i < text.size();) {
        if (!is_digit(text[i])) {
            return std::nullopt;
        }
        std::int64_t number = 0;
        for (; i < text.size() && is_digit(text[i]); i++) {
            number = number * 10 + (text[i] - '0');
            if (number > kMaxSeconds) {
                return std::nullopt;
            }
        }

        const char letter = i < text.size() ? text[i++] : 's';
        while (next_unit != std::end(kUnits) && next_unit->letter != letter) {
            next_unit++;
        }
        if (next_unit == std::end(kUnits)) {
            return std::nullopt;
        }
        total += number * next_unit->seconds;
        if (total > kMaxSeconds) {
            return std::nullopt;
        }
        next_unit++;
        any = true;

        const std::size_t before = i;
        while (i < text.size() && text[i] == ' ') {
            i++;
        }
        if (i == text.size() && i != before) {
            return std::nullopt;
        }
    }
    if (!any) {
        return std::nullopt;
    }
    return total;
}

std::string duration_text(std::int64_t seconds)
{
    struct Word {
        const char* name;
        std::int64_t seconds;
    };
    constexpr Word kWords[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};

    for (const Word& word : kWords) {
        if (seconds != 0 && seconds % word.seconds == 0) {
            const std::int64_t n = seconds / word.seconds;
            return std::to_string(n) + " " + word.name + (n == 1 ? "" : "s");
        }
    }
    return "0 seconds";
}

std::optional<std::int64_t> parse_date(std::string_view text)
{
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
        return std::nullopt;
    }
    int part[3] = {0, 0, 0};
    for (std::size_t i = 0, p = 0; i < text.size(); i++) {
        if (i == 4 || i == 7) {
            p++;
            continue;
        }
        if (!is_digit(text[i])) {
            return std::nullopt;
        }
        part[p] = part[p] * 10 + (text[i] - '0');
    }
    const auto [year, month, day] = part;
    if (year < 1970 || month < 1 || month > 12 || day < 1) {
        return std::nullopt;
    }
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) {
        return std::nullopt;
    }
    std::tm broken_down{};
    broken_down.tm_year = year - 1900;
    broken_down.tm_mon = month - 1;
    broken_down.tm_mday = day;
    return ::timegm(&broken_down);
}

std::optional<std::int64_t> parse_time(std::string_view text)
{
    const auto day = parse_date(text.substr(0, 10));
    if (!day || text.size() == 10) {
        return day;
    }
    std::string_view clock = text.substr(11);
    if (text[10] != ' ' && text[10] != 'T') {
        return std::nullopt;
    }
    for (const std::string_view zone : {" UTC", "Z"}) {
        if (clock.size() > zone.size() && clock.substr(clock.size() - zone.size()) == zone) {
            clock.remove_suffix(zone.size());
            break;
        }
    }
    if (clock.size() != 5 && (clock.size() != 8 || clock[5] != ':')) {
        return std::nullopt;
    }
    std::int64_t seconds = 0;
    constexpr int kLimits[] = {24, 60, 60};
    for (std::size_t part = 0; part * 3 < clock.size(); part++) {
        const char tens = clock[part * 3];
        const char ones = clock[part * 3 + 1];
        const int value = (tens - '0') * 10 + (ones - '0');
        if (!is_digit(tens) || !is_digit(ones) || value >= kLimits[part] || (part == 1 && clock[2] != ':')) {
            return std::nullopt;
        }
        seconds = seconds * 60 + value;
    }
    return *day + (clock.size() == 5 ? seconds * 60 : seconds);
}

std::string time_text(std::time_t time)
{
    std::tm broken_down{};
    char text[64];
    if (::gmtime_r(&time, &broken_down) == nullptr
        || std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &broken_down) == 0) {
        return "(no date)";
    }
    return text;
}

std::string distance_text(std::int64_t time, std::int64_t now)
{
    const std::int64_t distance = time > now ? time - now : now - time;
    for (const auto& [name, seconds] : {std::pair("day", 86400), {"hour", 3600}, {"minute", 60}, {"second", 1}}) {
        if (distance < 2 * seconds && (seconds != 1 || distance == 0)) {
            continue;
        }
        const std::int64_t n = distance / seconds;
        const std::string text = std::to_string(n) + " " + name + (n == 1 ? "" : "s");
        return time > now ? "in " + text : text + " ago";
    }
    return "now";
}

std::string date_text(std::int64_t time, std::int64_t now)
{
    return time_text(time) + " (" + distance_text(time, now) + ")";
}

}  // namespace hpkp
