"""A site with a contract of every kind, for tests of records and documents."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from runner.operations.check_site import CheckedSite, check_site
from runner.site import Site

ZONE = ZoneInfo("Asia/Shanghai")
#: A Monday.
NOW = datetime(2026, 6, 15, 12, tzinfo=ZONE)

CONTRACT = """
schema_version: 1
number: HT-1
title: 维保合同
system: 手术示教系统
provider: {name: 某某科技}
purchaser: {name: 某某医院}
timezone: Asia/Shanghai
signed: 2025-12-26
term: {from: 2026-01-01, to: 2026-12-31}
obligations:
  - {id: A01, kind: procedure, procedure: inspect, cadence: monthly, clause: 月度巡检}
  - {id: A01.record, kind: record, document: inspection-record, cadence: monthly, clause: 巡检记录}
  - {id: A02, kind: document, document: inspection-summary, cadence: quarterly, clause: 巡检记录单汇总}
  - id: A03
    kind: record
    clause: 异常汇报
    cadence: on event
    opened_by: [abnormality found]
    due: {after: abnormality found, within: {working_days: 1}}
  - id: A15
    kind: sla
    clause: 一级故障
    case: fault
    when: {grade: P1}
    clocks:
      - {name: respond, within: {minutes: 15}, starts: [reported], stops: [responded]}
      - {name: arrive, within: {hours: 1}, starts: [reported], stops: [arrived], if_needed: true}
      - name: restore
        within: {hours: 2}
        starts: [reported]
        stops: [restored]
        pauses: [waiting]
        resumes: [answered]
  - {id: A20, kind: record, clause: 处理记录, cadence: on event, opened_by: [restored], case: fault}
  - id: A22
    kind: document
    document: fault-analysis
    clause: 故障分析报告
    cadence: on event
    opened_by: [restored]
    case: fault
    when: {grade: [P1, P2]}
    due: {after: restored, within: {working_days: 3}}
  - id: A23
    kind: document
    document: emergency-plan
    clause: 应急预案
    cadence: once
    due: {after: signature, within: {months: 1}}
  - id: A26
    kind: sla
    clause: 缺陷修复
    case: bug
    clocks:
      - {name: fix, within: {months: 3}, starts: [confirmed], stops: [fixed], agreed: true}
  - {id: A48, kind: record, clause: 服务回顾会议, cadence: quarterly}
  - {id: A50, kind: record, clause: 操作培训, cadence: quarterly}
  - {id: A50.hours, kind: quota, clause: 培训时长, quota: {at_least: 4, counts: hours, records_of: [A50], per: year}}
  - {id: A54, kind: record, clause: 培训, cadence: half-yearly}
  - {id: B08.cap, kind: quota, clause: 每年不超过4次, quota: {at_most: 4, per: year}}
  - id: A52
    kind: quota
    clause: 题库更新率
    quota:
      at_least_percent: 10
      of: questions
      counts: questions updated
      per: year
      items: [住培题库, 三基题库]
amendments:
  - {from: 2026-06-01, title: 补充协议, ended: [A54]}
"""

PEOPLE = """
schema_version: 1
people:
  - {name: 张三, duty: engineer, organisation: provider}
  - {name: 李四, duty: project manager, organisation: provider}
  - {name: 王五, duty: purchaser approver, organisation: purchaser, valid_to: 2026-05-31}
  - {name: 赵六, duty: purchaser approver, organisation: purchaser, valid_from: 2026-06-01}
"""


def contracted(site: Site) -> CheckedSite:
    """Give the site the contract and people above, and return it checked."""
    site.contract_file.write_text(CONTRACT, encoding="utf-8")
    site.people_file.write_text(PEOPLE, encoding="utf-8")
    return check_site(site)
