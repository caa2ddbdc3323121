"""The words that announce personal data and secrets in logs: Chinese, its pinyin abbreviations, and English.

Pieces of regular expressions. Chinese stands as escapes, with its meaning beside it.
"""

HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]"

#: The commonest family names, but not the words that begin with one of them: program, task, amount, advanced.
SURNAME = (
    r"(?!\u7a0b\u5e8f|\u4efb\u52a1|\u91d1\u989d|\u9ad8\u7ea7)["
    r"\u738b\u674e\u5f20\u5218\u9648\u6768\u9ec4\u8d75\u5434\u5468\u5f90\u5b59\u9a6c\u6731\u80e1\u90ed"
    r"\u4f55\u9ad8\u6797\u7f57\u90d1\u6881\u8c22\u5b8b\u5510\u8bb8\u97e9\u51af\u9093\u66f9\u5f6d\u66fe"
    r"\u8096\u7530\u8463\u8881\u6f58\u4e8e\u848b\u8521\u4f59\u675c\u53f6\u7a0b\u82cf\u9b4f\u5415\u4e01"
    r"\u4efb\u6c88\u59da\u5362\u59dc\u5d14\u949f\u8c2d\u9646\u6c6a\u8303\u91d1\u77f3\u5ed6\u8d3e\u590f"
    r"\u97e6\u4ed8\u90b9\u5b5f\u718a\u79e6\u90b1\u6c5f\u5c39\u859b\u95eb\u6bb5\u96f7\u4faf\u9f99\u9676"
    r"\u9ece\u8d3a\u987e\u6bdb\u90dd\u9f9a\u90b5\u4e07\u94b1\u4e25\u8983\u6b66\u6234\u83ab\u5b54\u6c64"
    r"\u502a\u65bd\u4fde\u7ae0\u9c81\u845b\u6b27\u9633\u53f8\u5f92"
    r"]"
)

#: Keys of personal data whatever the value is; the part of a table's column name that counts.
PERSON_KEYS = (
    r"patient_?(?:name|id|no)?|(?:real|full|contact|guardian|doctor)_?name|name_cn|xing_?ming"
    r"|id_?(?:card|no|number)(?:_?(?:no|number))?|card_?no|cert_?no|mrn|phone(?:_?(?:no|number))?|mobile|telephone|tel"
    r"|addr_detail|home_?address|birth(?:day|date|_?day|_?date)?|date_?of_?birth|dob"
    r"|xm|brxm|hzxm|jzxm|lxrxm|lxr|brid|hzid"  # names and ids of patients, names of contacts
    r"|sfz|sfzh|sfzhm|zjhm|ybh|ybkh|sbkh|jzkh|zyh|mzh|blh|bah|yhkh"  # numbers of cards and records
    r"|sjh|sjhm|lxdh|lxrdh|jtdh|dhhm|lxfs|dz|jtdz|jtzz|lxdz|xzz|csrq|csny"  # phones, addresses, day of birth
)
PERSON_KEYS_CHINESE = (
    r"\u59d3\u540d"  # full name
    r"|\u60a3\u8005"  # patient
    r"|\u75c5\u4eba"  # patient
    r"|\u75c5\u60a3"  # patient
    r"|\u4f4f\u9662"  # admission
    r"|\u75c5\u5386"  # medical record
    r"|\u75c5\u6848"  # medical record
    r"|\u95e8\u8bca"  # outpatient
    r"|\u5c31\u8bca"  # visit
    r"|\u533b\u4fdd"  # health insurance
    r"|\u793e\u4fdd"  # social insurance
    r"|\u94f6\u884c"  # bank
    r"|\u8eab\u4efd\u8bc1"  # identity card
    r"|\u8bc1\u4ef6"  # identity document
    r"|\u624b\u673a"  # mobile phone
    r"|\u7535\u8bdd"  # telephone
    r"|\u8054\u7cfb\u4eba"  # contact
    r"|\u8054\u7cfb\u65b9\u5f0f"  # contact details
    r"|\u4f4f\u5740"  # home address
    r"|\u51fa\u751f"  # birth
    r"|\u751f\u65e5"  # birthday
    r"|\u5bb6\u5c5e"  # relative
    r"|\u76d1\u62a4\u4eba"  # guardian
    r"|\u90ae\u7bb1"  # mailbox
    r"|\u5361\u53f7"  # card number
)

#: What may follow a Chinese key: number, card number, code, name, date.
CHINESE_SUFFIX = r"(?:\u53f7\u7801|\u5361\u53f7|\u7f16\u53f7|\u59d3\u540d|\u540d\u79f0|\u65e5\u671f|\u53f7|I[Dd])?"

#: Keys whose value is personal only if it is Chinese: ``name=eth0`` and ``address: 10.1.2.3`` stay.
NAME_KEYS = r"(?:[a-z]{0,20}name|user|patient|[a-z]{0,20}address|addr|contact|operator|doctor|nurse)"
NAME_KEYS_CHINESE = (
    r"\u59d3\u540d"  # full name
    r"|\u60a3\u8005"  # patient
    r"|\u75c5\u4eba"  # patient
    r"|\u7528\u6237\u540d"  # user name
    r"|\u7528\u6237"  # user
    r"|\u64cd\u4f5c\u5458"  # operator
    r"|\u533b\u751f"  # doctor
    r"|\u533b\u5e08"  # physician
    r"|\u62a4\u58eb"  # nurse
    r"|\u8054\u7cfb\u4eba"  # contact
    r"|\u5bb6\u5c5e"  # relative
    r"|\u5730\u5740"  # address
)

CREDENTIAL_KEYS = (
    r"[a-z]{0,20}(?:passw(?:or)?d|passphrase|pwd|secret|token)|pass|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credentials?|session_?id|j?sessionid|cookie"
)
CREDENTIAL_KEYS_CHINESE = (
    r"\u5bc6\u7801"  # password
    r"|\u53e3\u4ee4"  # pass phrase
    r"|\u5bc6\u94a5"  # key
    r"|\u4ee4\u724c"  # token
    r"|\u9a8c\u8bc1\u7801"  # one-time code
)

#: Numbers of records and cards, which may follow their name without any sign between them.
RECORDS = r"mrn|accession|passport"
RECORDS_CHINESE = (
    r"(?:\u4f4f\u9662|\u75c5\u5386|\u75c5\u6848|\u95e8\u8bca|\u5c31\u8bca"
    r"|\u533b\u4fdd|\u793e\u4fdd|\u94f6\u884c|\u8eab\u4efd\u8bc1|\u8bc1\u4ef6)"
)

#: "is", "as" and "called".
IS_CHINESE = r"[\u662f\u4e3a\u53eb]"
