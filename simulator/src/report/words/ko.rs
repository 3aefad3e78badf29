//! The words in Korean.

use super::super::numbers::{count, date_time, millis, percent};
use super::Words;
use crate::report::{Doubt, Group, Level, ServicePlace, Setup, StageName, Verdict};

pub(super) const WORDS: Words = Words {
    level_names,
    stage_names,
    group_names,
    setup_names,
    service_places,
    approximate: "근사 지도: 경찰의 관할 경계가 아닙니다.",
    invented: "가상 지도: 실제 구역이 아닙니다.",
    shed_metrics: [
        (
            "ansim_relay_datagrams_dropped",
            "받지 않은 위치",
            "기록이 밀려 가장 새로운 위치만 남겼습니다.",
        ),
        (
            "ansim_relay_held",
            "기록을 기다린 횟수",
            "경보가 기록의 빈자리를 기다렸습니다. 거절된 경보는 없습니다.",
        ),
        (
            "ansim_relay_retries",
            "다시 시도하게 한 연결",
            "부하가 높으면 주소를 먼저 확인합니다(Retry).",
        ),
        (
            "ansim_relay_refused_connections",
            "거절한 연결",
            "연결을 마치지 못했거나 한꺼번에 너무 많았습니다.",
        ),
        (
            "ansim_relay_attempts_left_out",
            "응답하지 못한 연결",
            "2초를 기다렸거나 2,048개 넘게 기다렸습니다. 가장 늦게 온 연결부터 받았고, 단말은 다시 시도합니다.",
        ),
        (
            "ansim_relay_packets_left_out",
            "보지 않은 패킷",
            "볼 수 있는 것보다 많이 왔습니다. 경보가 먼저 들어오도록 위치와 확인 응답을 밖에 두었습니다.",
        ),
        (
            "ansim_relay_refusals",
            "거절한 프레임",
            "해독할 수 없거나 규약의 한도를 넘었습니다.",
        ),
        (
            "ansim_relay_closes",
            "릴레이가 닫은 연결",
            "너무 오래 조용했거나 규약에 어긋났습니다.",
        ),
        (
            "ansim_relay_receive_buffer_errors",
            "커널이 버린 패킷",
            "소켓의 수신 버퍼가 가득 찼습니다. 전화가 다시 보냅니다.",
        ),
    ],
    time: |at| format!("{} (한국 시각)", date_time(at, 9)),
    seconds: |s| format!("{s}초"),
    cores: |n| format!("{n}코어"),
    confined: |cores| format!("서비스를 {cores}코어로 제한"),
    doubt,
    machine_sentence: |verdict, kept, of| match verdict {
        Verdict::Passed => format!("서비스 수준 {of}개를 모두 지켰습니다."),
        Verdict::Missed => format!("서비스 수준 {of}개 중 {kept}개를 지켰습니다."),
        Verdict::NotConclusive => {
            "이 부하에서는 결론을 낼 수 없습니다. 발생기 자체가 병목이었습니다.".to_owned()
        }
    },
    people_sentence: |share, target| {
        format!("경보의 {share}를 15초 안에 확인했습니다. 목표는 {target}입니다.")
    },
    positions_unseen_why: |sent, share| {
        format!("보낸 {sent}건의 {share}: 새 위치에 합쳐졌거나, 솎였거나, 도중에 사라졌습니다.")
    },
    map_label: |cells, most| {
        format!(
            "경보가 있는 {cells}칸의 지도, 한 칸에 최대 {most}건. 가장 많은 칸은 목록에 있습니다."
        )
    },
    report: "부하 시험 보고서",
    began_at: "시작",
    elapsed: "소요 시간",
    alerts: "경보",
    seed: "시드",
    program: "프로그램",
    unknown: "측정 안 됨",
    nothing_measured: "여기에는 측정된 것이 없습니다.",
    what: "항목",
    count: "건수",
    value: "값",
    why: "이유",
    max: "최대",
    verdict: "판정",
    passed: "충족",
    missed: "미달",
    not_conclusive: "판단 불가",
    not_judged: "판정 없음",
    machine: "시스템",
    machine_about: "유실, 중복, 지연 여부",
    people: "인력",
    people_about: "제때 확인했는지",
    people_absent: "이 시험에는 상황실 계산이 없습니다.",
    people_absent_merged: "여러 기기를 합친 부하에 대한 상황실 계산이 없습니다.",
    positions_peak: "위치 발신, 초당 최대",
    receipt_p999_short: "접수 확인, 1,000건 중 999건",
    seats_missing: "부족한 근무석",
    no_number: "몇 석으로도 부족",
    never: "끝까지 미확인",
    levels: "서비스 수준별 결과",
    levels_caption: "시나리오의 서비스 수준. 시간은 누르려고 한 순간부터 잽니다.",
    level: "서비스 수준",
    wanted: "기준",
    measured: "측정",
    kept: "충족",
    not_kept: "미달",
    people_level: "15초 안에 확인한 경보의 비율",
    counts_caption: "모든 건수와 발신 경보 1,000건당 비율.",
    per_thousand: "1,000건당",
    raised: "전화가 발신",
    receipted: "접수 확인",
    on_board: "상황판에 표시",
    lost: "유실",
    doubled: "중복",
    reordered: "순서가 바뀌어 도착",
    map_mismatches: "지도와 다른 상황실에 배정",
    desks: "인력: 상황실",
    caveat: "모의 근무자는 인력 산정을 위한 계산일 뿐, 실제 경찰관에 대한 근거가 아닙니다. 부하에 몇 석이 필요한지만 말하며, 누가 얼마나 잘 일하는지는 말하지 않습니다.",
    looked_at_within: "확인까지 걸린 시간",
    within_15_s: "15초 안에 확인",
    s_15: "15초",
    s_60: "60초",
    s_600: "600초",
    worst_wait: "첫 확인까지 가장 긴 대기",
    seats: "근무석, 모든 상황실 합계",
    seats_now: "현재 근무석",
    seats_needed: "목표에 필요한 근무석",
    curve: "근무석을 늘리면",
    curve_unit: "15초 안에 확인한 경보의 비율",
    target: "목표",
    latency: "경보가 걸리는 시간",
    latency_lead: "누르려고 한 순간부터 잽니다. 나란히, 전화가 실제로 시작한 순간부터 잰 값을 둡니다. 둘이 다르면 뒤의 것이 실제보다 좋아 보입니다.",
    from_intended: "누르려고 한 순간부터",
    from_begun: "실제 시작부터, 보정 없음",
    ranges: "단계별 분포",
    ranges_key: "점: 절반이 더 빠름. 막대: 100건 중 99건까지. 눈금: 99/100, 999/1,000, 가장 느린 것.",
    ranges_label: "단계별 시간 분포. 같은 수치가 아래 표에 있습니다.",
    percentiles_caption: "단계별 백분위: p99는 100건 중 99건이 그보다 느리지 않았다는 뜻입니다.",
    stage: "누른 때부터",
    latency_over_time: "시간에 따른 변화",
    p99_ms: "ms, 초마다 100건 중 99건",
    to_receipt: "접수 확인까지",
    to_console: "상황판까지",
    console_level: "상황판 기준, ms",
    above_chart: " (그래프보다 위)",
    since_begin: "시작부터 분:초",
    load: "부하: 계획과 실제",
    rate_over_time: "초당 경보",
    alerts_per_s: "초당 건수",
    offered: "계획",
    begun: "발신 시작",
    begun_late_p99: "발생기 지연, 100건 중 99건",
    generator_processor: "발생기의 프로세서 사용",
    conclusive: "발생기가 제 시각을 지켰습니다. 이 부하에서 결론을 낼 수 있습니다.",
    doubts: "발생기 자체가 병목이었습니다. 이 부하에서는 결론을 낼 수 없습니다.",
    cost: "서비스가 쓴 자원",
    cost_unknown: "서비스의 자원 사용은 측정되지 않았습니다. 다른 기기나 발생기와 같은 프로세스에서 실행되었습니다.",
    cost_by_machine: "비용은 기기 하나의 경보 1,000건당 값이라 더할 수 없습니다. 끝의 기기 목록을 보세요.",
    cpu_alerts: "경보 1,000건당 프로세서 시간",
    cpu_positions: "위치 1,000건당 프로세서 시간",
    memory_per_connection: "연결당 메모리",
    resident_max: "최대 메모리",
    connected: "연결된 전화",
    phones: "대",
    resident: "메모리",
    resident_unit: "MiB, 상주",
    processor: "프로세서",
    processor_unit: "초당 사용 초",
    shed: "덜어 낸 것과 이유",
    shed_lead: "과부하에서는 위치를 먼저 솎고, 다음으로 문자가 기다립니다. 경보는 기다리지 않습니다.",
    shed_caption: "서비스가 일부러 하지 않은 일.",
    positions_unseen: "상황판에 오지 않은 위치",
    places: "경보가 발생한 곳",
    places_lead: "0.1도 칸으로만 나타내며 개별 위치는 없습니다. 다섯 건 미만은 세어 보이지 않습니다.",
    alerts_per_cell: "칸마다 경보 수",
    densest: "경보가 가장 많은 칸",
    corner: "남서쪽 모서리",
    north: "북",
    origin: "이 보고서의 출처",
    origin_caption: "같은 시험을 다시 하는 데 필요한 것.",
    map: "지도",
    official: "공식",
    setting: "서비스와 발생기",
    machine_name: "기기",
    system: "운영 체제",
    format: "보고서 형식",
    remark: "비고",
    parts: "함께 부하를 건 기기",
    scenario: "시나리오",
    comparison: "두 부하 시험 보고서 비교",
    setup: "서로 다른 조건",
    setup_lead: "먼저 읽으세요. 조건이 다르면 아래의 차이는 서비스와 관계없을 수 있습니다.",
    setup_same: "시나리오, 시드, 기기, 지도, 실행 조건이 같습니다.",
    differences: "달라진 것",
    noise_lead: "오차 범위: 100번 중 95번이 드는 구간이 겹치거나 차이가 10분의 1보다 작습니다. 결함의 건수에는 오차가 없습니다.",
    ratio: "B / A",
    outcome: "결과",
    better: "나아짐",
    worse: "나빠짐",
    within_noise: "오차 범위",
    same: "같음",
    differs: "다름",
};

fn doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::BegunLate { p99_ms, limit_ms } => format!(
            "경보 100건 중 99건의 시작이 최대 {} 늦었습니다. {}까지는 제때로 봅니다.",
            millis(*p99_ms),
            millis(*limit_ms)
        ),
        Doubt::NotBegun { alerts } => {
            format!("계획한 경보 {}건이 시작되지 않았습니다.", count(*alerts))
        }
        Doubt::ProcessorFull { share } => {
            format!("발생기가 기기 프로세서의 {}를 썼습니다.", percent(*share))
        }
        Doubt::PacketsDropped { packets } => format!(
            "발생기가 제때 읽지 못한 패킷 {}개를 커널이 버렸습니다.",
            count(*packets)
        ),
    }
}

fn level_names(level: Level) -> &'static str {
    match level {
        Level::Lost => "유실된 경보",
        Level::Doubled => "중복된 경보",
        Level::MapMismatches => "지도와 다른 상황실에 배정된 경보",
        Level::Unreceipted => "접수 확인을 받지 못한 경보",
        Level::ReceiptP999 => "접수 확인까지, 1,000건 중 999건",
        Level::Returned => "재시작 뒤 추적 중인 모든 전화의 재연결까지",
        Level::ConsoleP99 => "상황판까지, 100건 중 99건",
    }
}

fn stage_names(stage: StageName) -> &'static str {
    match stage {
        StageName::Receipt => "접수 확인(저장됨)",
        StageName::Assigned => "관할 배정",
        StageName::Console => "상황판 표시",
    }
}

fn group_names(group: Group) -> &'static str {
    match group {
        Group::Verdicts => "판정",
        Group::Levels => "서비스 수준",
        Group::Latency => "시간, 누르려고 한 순간부터",
        Group::Counts => "건수",
        Group::Rates => "초당 건수",
        Group::Cost => "자원",
        Group::People => "인력",
    }
}

fn setup_names(setup: Setup) -> &'static str {
    match setup {
        Setup::Scenario => "시나리오",
        Setup::Seed => "시드",
        Setup::Program => "프로그램",
        Setup::Machine => "기기",
        Setup::System => "운영 체제",
        Setup::Map => "지도",
        Setup::Setting => "서비스와 발생기",
        Setup::Machines => "기기 수",
        Setup::Generator => "발생기의 신뢰",
    }
}

fn service_places(place: ServicePlace) -> &'static str {
    match place {
        ServicePlace::SameProcess => "한 프로세스: 서비스만의 프로세서 사용은 알 수 없음",
        ServicePlace::SameMachine => "한 기기의 두 프로세스: 프로세서를 나누어 씀",
        ServicePlace::OtherMachine => "서로 다른 기기",
    }
}
