#!/bin/sh
# Checks this pack with stock tools only: sh, sha256sum, and ssh-keygen of OpenSSH 8.2 or newer.
#
#     sh verify.sh [SHA256:FINGERPRINT ...] [NUMBER:DIGITS ...]
#
# SHA256:FINGERPRINT is the site's key as you were told it by other means. NUMBER:DIGITS is a ledger's head as the footer
# of a document, or a checkpoint, has it: the entry's number and its SHA-256, or the first 32 digits of it, with blanks or
# without. One line for each finding; the last line is "verified" or "n findings".
# Exit code 0: verified. 1: findings. 2: a tool is missing, an argument is none, or the pack cannot be read at all.
#
# This file lies inside the pack that it judges. Take it from a source that you trust, or compare its SHA-256.
#
# Entries are canonical JSON, a line a value, and no text in them has a line of its own: so lines can be compared.
# shellcheck disable=SC2094 # names of files are told while they are read; none is written
set -uf
LC_ALL=C
export LC_ALL
newline='
'
case $0 in */*) cd "${0%/*}" || exit 2 ;; esac

# -- what was given -----------------------------------------------------------------------------------------

usage='sh verify.sh [SHA256:FINGERPRINT ...] [NUMBER:DIGITS ...]'
bad() {
    printf '%s\n' "$*" "$usage"
    exit 2
}

# As printed and typed: capitals, full width, a dot between number and digits.
forms='０=0 １=1 ２=2 ３=3 ４=4 ５=5 ６=6 ７=7 ８=8 ９=9 ａ=a ｂ=b ｃ=c ｄ=d ｅ=e ｆ=f Ａ=a Ｂ=b Ｃ=c Ｄ=d Ｅ=e Ｆ=f'
forms="$forms A=a B=b C=c D=d E=e F=f ：=: ·=: ・=: •=: ．=:"
plain() {
    rest=$1 plain=''
    while [ -n "$rest" ]; do
        # A blank of full width, or one that does not break.
        case $rest in
            '　'*) plain="$plain " rest=${rest#'　'} && continue ;;
            ' '*) plain="$plain " rest=${rest#' '} && continue ;;
        esac
        for form in $forms ''; do
            case $rest in "${form%=*}"*) break ;; esac
        done
        if [ -n "$form" ]; then
            plain=$plain${form#*=} rest=${rest#"${form%=*}"}
        else
            tail=${rest#?}
            plain=$plain${rest%"$tail"} rest=$tail
        fi
    done
}

own='' given=''
for word in "$@"; do
    case $word in
        -h | --help) echo "$usage" && exit 0 ;;
        -*) bad "$word: there is no such option" ;;
        SHA256:*) [ ${#word} = 50 ] || bad "$word: is no fingerprint: SHA256: and 43 letters are needed"
            own="$own $word " ;;
        *) plain "$word" && given="$given $plain" ;;
    esac
done
while :; do
    case $given in
        *' :'*) given=${given%%' :'*}:${given#*' :'} ;;
        *': '*) given=${given%%': '*}:${given#*': '} ;;
        *) break ;;
    esac
done
# Typed with blanks, a head comes in several parts.
heads=''
for word in $given; do
    case $word in *:*) heads="$heads $word" ;; *) heads="$heads$word" ;; esac
done
for head in $heads; do
    number=${head%%:*} digits=${head#*:}
    case $head in *:*) ;; *) bad "$head: is no head: a number, a colon and 32 digits are needed" ;; esac
    case $number in '' | *[!0-9]*) bad "$head: is no head: its number is missing" ;; esac
    case $digits in *[!0-9a-f]*) bad "$head: is no head: digits are 0 to 9 and a to f" ;; esac
    if [ ${#digits} -lt 32 ] || [ ${#digits} -gt 64 ]; then bad "$head: 32 digits are needed to compare"; fi
done

for tool in sha256sum ssh-keygen; do
    command -v "$tool" >/dev/null || { echo "$tool is missing on this machine"; exit 2; }
done
[ -f SHA256SUMS ] || { echo "SHA256SUMS is missing: this is no whole pack"; exit 2; }

findings=0
finding() {
    findings=$((findings + 1))
    printf '%s\n' "$*"
}

# Ends it: what came of it, in the last line.
finish() {
    [ ! -t 2 ] || printf '\r' >&2
    case $findings in
        0) echo verified && exit 0 ;;
        1) echo "1 finding" ;;
        *) echo "$findings findings" ;;
    esac
    exit 1
}

progress() {
    [ ! -t 2 ] || printf '\r%s ' "$*" >&2
}

# -- who may sign -------------------------------------------------------------------------------------------

# OpenSSH before 8.8 knows no dates in allowed_signers, before 9.1 none that are marked as UTC.
TZ=UTC0
export TZ
signers=keys/allowed_signers_utc dated=yes
case $(ssh -V 2>&1) in
    OpenSSH_[1-7].* | OpenSSH_8.[0-7]*) signers=keys/allowed_signers_undated dated=no ;;
esac

# The principal of a fingerprint, in $principal; not found: empty.
find_principal() {
    principal=
    while read -r known name; do
        [ "$known" != "$1" ] || principal=$name
    done <keys/fingerprints
}

# Verifies a file: FILE SIGNATURE NAMESPACE PRINCIPAL [TIME]; the fingerprint of the key in $signed_by.
verify_signature() {
    signed_by=
    if [ -n "${5:-}" ] && [ "$dated" = yes ]; then
        said=$(ssh-keygen -Y verify -O "verify-time=$5" -f "$signers" -I "$4" -n "$3" -s "$2" <"$1" 2>&1) || return 1
    else
        said=$(ssh-keygen -Y verify -f "$signers" -I "$4" -n "$3" -s "$2" <"$1" 2>&1) || return 1
    fi
    signed_by=${said##* }
}

# -- the list of all files ----------------------------------------------------------------------------------

cr=$(printf '\r')
read -r line <SHA256SUMS
case $line in *"$cr") finding "SHA256SUMS: has line ends of Windows: copy the pack anew, byte for byte" && finish ;; esac

pack_key=
if [ ! -f SHA256SUMS.sig ]; then
    finding "SHA256SUMS.sig: missing"
elif ! verify_signature SHA256SUMS SHA256SUMS.sig weibao-checkpoint site; then
    finding "SHA256SUMS: the signature in SHA256SUMS.sig does not verify"
else
    pack_key=$signed_by
fi

# Compares what stands in a list of hashes with the files: each file that differs is a finding.
check_sums() {
    saved=$IFS
    IFS=$newline
    for line in $(sha256sum -c "$1" 2>/dev/null); do
        case $line in
            *': OK') checked=$((checked + 1)) ;;
            *': FAILED'*) tell_failed "${line%%: FAILED*}" ;;
        esac
    done
    IFS=$saved
}

tell_failed() {
    case $1 in keys/* | verify.sh) spoilt=yes ;; esac
    if [ -e "$1" ]; then finding "$1: differs from what was listed"; else finding "$1: missing, but listed"; fi
}

progress "files ..."
checked=0 spoilt=no
check_sums SHA256SUMS
listed=$checked

# Walks the folders in the order of the list; what stands next in it is $next. A file that is not next is not listed,
# unless what is next is missing, which has been told.
read_next() {
    next=
    while read -r _ next <&3; do
        next=${next#\*}
        [ ! -e "$next" ] || return 0
        next=
    done
}

walk() {
    set +f
    set -- "$1"/* "$1"/.[!.]* "$1"/..?*
    set -f
    for path in "$@"; do
        path=${path#./}
        if [ -L "$path" ]; then
            finding "$path: is a link, not a file"
        elif [ -d "$path" ]; then
            case $path in
                # What systems put on every stick.
                'System Volume Information' | "\$RECYCLE.BIN" | .Trash-* | .Spotlight-V100 | .fseventsd | lost+found) ;;
                *) walk "$path" ;;
            esac
        elif [ ! -e "$path" ]; then
            :
        elif [ "$path" = "$next" ]; then
            read_next
        elif [ "$path" != SHA256SUMS ] && [ "$path" != SHA256SUMS.sig ]; then
            finding "$path: not listed, so nobody vouches for it"
        fi
    done
}

exec 3<SHA256SUMS
read_next
walk .
exec 3<&-

# Everything below would differ for the same cause.
[ "$spoilt" = no ] || { echo "not checked further: what tells whose keys are believed was changed" && finish; }

# -- the ledger ---------------------------------------------------------------------------------------------

entries=0 last=0000000000000000000000000000000000000000000000000000000000000000
signed=0 left_out=0 pending='' known_signer='' known_principal=''
claims='' claimed=0

[ ! -f LEFT-OUT.txt ] || exec 4<LEFT-OUT.txt
next_left_out() {
    pending=
    [ ! -f LEFT-OUT.txt ] || read -r pending _ <&4 || pending=
    [ "$pending" != none ] || pending=
}
next_left_out

# What an entry names by hash must be there, or be listed as left out: HASH FILE ENTRY
claim() {
    if [ "$1" = "$pending" ]; then
        left_out=$((left_out + 1))
        next_left_out
    elif [ -n "$2" ] && [ -e "$2" ]; then
        claims="$claims$1  $2$newline"
        claimed=$((claimed + 1))
        [ "$claimed" -lt 200 ] || check_claims
    else
        finding "$3: names a file that is missing: ${2:-$1}"
    fi
}

check_claims() {
    saved=$IFS
    IFS=$newline
    for line in $(printf '%s' "$claims" | sha256sum -c 2>/dev/null); do
        case $line in *': FAILED'*) finding "${line%%: FAILED*}: differs from what the ledger names" ;; esac
    done
    IFS=$saved
    claims='' claimed=0
}

# The only file in the folder of a hash: FOLDER HASH
file_of() {
    kept=
    rest=${2#??}
    set +f
    for kept in "$1/${2%"$rest"}/$2"/*; do :; done
    set -f
    [ -e "$kept" ] || kept=
}

text_of() {
    value=${1#*'": '}
    value=${value%,}
    value=${value#\"}
    value=${value%\"}
}

# What stands in an entry: PATH HASH
read_entry() {
    previous='' signer='' time='' kind='' run='' manifest='' part='' adopted='' adopted_hash=''
    step='' fingerprint='' holder='' since='' blobs='' person='' people=''
    while IFS= read -r line; do
        case $line in
            ' "previous": '*) text_of "$line" && previous=$value ;;
            ' "signer": '*) text_of "$line" && signer=$value ;;
            ' "kind": '*) text_of "$line" && kind=$value ;;
            ' "time": '*) text_of "$line" && time=$value ;;
            '  "step": '*) text_of "$line" && step=$value ;;
            '  "fingerprint": '*) text_of "$line" && fingerprint=$value ;;
            '  "holder": '*) text_of "$line" && holder=$value ;;
            '  "since": '*) text_of "$line" && since=$value ;;
            '     "'*) [ "$part" != people ] || { line=${line#*\"} && blobs="$blobs${line%%\"*}$newline"; } ;;
            '    "name": '*) text_of "$line" && person=$value ;;
            '    "organisation": '*) text_of "$line" && told_person "$value" ;;
            '  "run": '*) text_of "$line" && run=$value ;;
            '  "manifest_sha256": '*) text_of "$line" && manifest=$value ;;
            '   "sequence": '*) [ "$part" != adopts ] || { text_of "$line" && adopted=$value; } ;;
            '   "sha256": '*) [ "$part" != adopts ] || { text_of "$line" && adopted_hash=$value; } ;;
            '    "sha256": '*) text_of "$line" && named_file "$part" "$value" "$1" ;;
            '  "'*) part=${line#*\"} && part=${part%%\"*} ;;
        esac
    done <"$1" # read only
    moment_of "$time"
}

# A person's keys, a line each: WHOSE KEY NAME; keys and name stand before the organisation, in canonical order.
told_person() {
    whose=provider
    [ "$1" != purchaser ] || whose=purchaser
    while [ -n "$blobs" ]; do
        people="$people$whose,${blobs%%"$newline"*},$person$newline" blobs=${blobs#*"$newline"}
    done
}

# A time as a number to the microsecond, in $moment, and to the second, in $second: 2026-03-04T10:15:00.123456Z. The
# first digit of the year is left out, or no shell could compare it; what is no time of these years is $never.
never=9200000000000000000
moment_of() {
    day=${1%%T*} clock=${1#*T} fraction=000000
    clock=${clock%Z}
    case $clock in *.??????) fraction=${clock#*.} ;; esac
    clock=${clock%%.*}
    year=${day%%-*} day=${day#*-} hour=${clock%%:*} clock=${clock#*:}
    second=$year${day%-*}${day#*-}$hour${clock%:*}${clock#*:}
    case $second$fraction in
        *[!0-9]*) moment=$never ;;
        2[0-8]??????????????????) moment=${second#2}$fraction ;;
        [01]???????????????????) moment=0 ;;
        *) moment=$never ;;
    esac
    [ "$moment" != "$never" ] || second=99999999999999
}

# The number in an entry's name: PATH
number_of() {
    number=${1##*/} number=${number%%-*}
    case $number in '' | *[!0-9]*) number=0 ;; esac
    while [ "$number" != "${number#0}" ]; do number=${number#0}; done
    number=${number:-0}
}

# A file that an entry names by hash: PART HASH PATH
named_file() {
    [ "$following" = yes ] || return 0
    case $3/$1 in
        *-record.json/attachments | *-waiver.json/attachments | *-change.json/attachments) folder=attachments ;;
        *-trust.json/consent) folder=attachments ;;
        *-document.json/files) folder=documents ;;
        *) return 0 ;;
    esac
    file_of "$folder" "$2"
    claim "$2" "$kept" "$3"
}

# A run's manifest and the files that it names: RUN HASH ENTRY
check_run() {
    case $1 in
        *[!A-Za-z0-9._-]*) finding "$3: odd name of a run"; return ;;
        [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T*) folder=runs/${1%%T*}/$1 ;;
        *) folder=runs/other/$1 ;;
    esac
    claim "$2" "$folder/manifest.json" "$3"
    [ -f "$folder/manifest.json" ] || return 0
    name='' inside=no
    while IFS= read -r line; do
        case $inside$line in
            'no "files": {') inside=yes ;;
            yes' }'*) break ;;
            yes'  "'*) name=${line#*\"} && name=${name%%\"*} ;;
            yes'   "sha256": '*) text_of "$line" && claim "$value" "$folder/${name##*/}" "$folder/manifest.json" ;;
        esac
    done <"$folder/manifest.json"
}

# An entry that no valid key signed is no finding where a key entry vouches for it: PATH PROBLEM
unsigned() {
    if [ "$entries" -le "$vouched_until" ]; then
        vouched=$((vouched + 1))
    else
        finding "$1: $2"
    fi
}

# PATH
check_signature() {
    if [ "$signer" = null ]; then
        unsigned "$1" "not signed"
        return
    fi
    if [ ! -f "$1.sig" ]; then
        finding "$1.sig: missing: the signature of $signer"
        return
    fi
    if [ "$signer" != "$known_signer" ]; then
        find_principal "$signer"
        known_signer=$signer known_principal=$principal
    fi
    if [ -z "$known_principal" ] || ! verify_signature "$1" "$1.sig" weibao-entry "$known_principal" "$second"; then
        # Nobody can vouch for a signature that was spoilt: a loss, for one, could be hidden so.
        if signer_of "$1"; then
            unsigned "$1" "signed with $signer, a key that was not valid on ${time%%T*}"
        else
            finding "$1: the signature in $1.sig does not verify"
        fi
    elif [ "$signed_by" != "$signer" ]; then
        finding "$1: signed with $signed_by, but names $signer"
    elif ! believed "$signed_by" "$moment" "$entries"; then
        unsigned "$1" "signed with $signed_by, a key that no entry makes believed on ${time%%T*}"
    else
        case $refused in
            *" $1 "*) unsigned "$1" "tells of keys or people, which $signed_by may not do" && return ;;
        esac
        signed=$((signed + 1))
        [ "$who" != purchaser ] || by_purchaser=$((by_purchaser + 1))
    fi
}

# PATH HASH
check_vouchers() {
    case $vouchers in
        *" $entries:$2 "*) ;;
        *" $entries:"*) finding "$1: is not the entry that a key entry vouches for" ;;
    esac
}

check_heads() {
    for head in $heads; do
        number=${head%%:*} digits=${head#*:}
        while [ "$number" != "${number#0}" ]; do number=${number#0}; done
        [ "$number" = "$entries" ] || continue
        found="$found $head "
        case $2 in
            "$digits"*) answers="${answers}held against $head: entry $number, the same$newline" ;;
            *) finding "$1: is not what $head says" ;;
        esac
    done
}

# -- whose keys the entries make believed -------------------------------------------------------------------

# A key counts where an entry tells of it that is itself signed by a key that was believed before. The first one is the
# root; only you can tell whether it is the site's. Of what lies in keys/ only the days are believed in which people have
# their duty, and whom the purchaser put in force. This is the same fold as that of weibao ledger verify.

# Each word of $keys: FINGERPRINT,WHOSE,FIRST,END,UNTIL: of the site, the provider or the purchaser; the moments between
# which it is believed; the number of the entry that ended it: those after it may be dated back. In $lost, of a key that
# was given up: FINGERPRINT,MOMENT,NUMBER.
open=9199999999999999999,999999999
refused=' ' by_purchaser=0 vouched=0 prints=$newline following=no

# Whether a key is believed; whose it is, in $who: FINGERPRINT MOMENT NUMBER
believed() {
    who=''
    for key in $keys; do
        [ "${key%%,*}" = "$1" ] || continue
        key=${key#*,} && found_who=${key%%,*} && key=${key#*,}
        first=${key%%,*} && key=${key#*,}
        if [ "$2" -ge "$first" ] && [ "$2" -le "${key%,*}" ] && [ "$3" -le "${key#*,}" ]; then
            who=$found_who && return 0
        fi
    done
    return 1
}

is_of_site() {
    case $keys in *" $1,site,"*) ;; *) return 1 ;; esac
}

is_own() {
    case $own in *" $1 "*) ;; *) return 1 ;; esac
}

# Ends a key: FINGERPRINT MOMENT NUMBER
close_key() {
    kept_keys=''
    for key in $keys; do
        if [ "${key%%,*}" = "$1" ]; then
            until=${key##*,} && key=${key%,*} && end=${key##*,} && key=${key%,*}
            [ "$end" -le "$2" ] || end=$2
            [ "$until" -le "$3" ] || until=$3
            key=$key,$end,$until
        fi
        kept_keys="$kept_keys $key"
    done
    keys=$kept_keys
}

# Since when a key is given up, in $lost_since, and by which entry, in $lost_by: FINGERPRINT
loss_of() {
    case $lost in *" $1,"*) ;; *) return 1 ;; esac
    lost_since=${lost#*" $1,"}
    lost_since=${lost_since%% *}
    lost_by=${lost_since#*,} lost_since=${lost_since%,*}
}

# Whose signature fits an entry, believed or not, in $signed_by: PATH
signer_of() {
    signed_by=
    [ -f "$1.sig" ] || return 1
    said=$(ssh-keygen -Y check-novalidate -n weibao-entry -s "$1.sig" <"$1" 2>&1) && signed_by=${said##* }
    [ -n "$signed_by" ] && [ "$signed_by" = "$signer" ]
}

brings_itself() {
    case $1/$holder/$step/$fingerprint in
        *-key.json/site/created/"$signed_by" | *-key.json/site/replaced/"$signed_by") ;;
        *) return 1 ;;
    esac
}

# Whether who signed a key or trust entry may; a person of the purchaser's only tells of their own keys: PATH NUMBER
may_tell() {
    if ! believed "$signed_by" "$moment" "$2"; then
        brings_itself "$1"
        return
    fi
    [ "$who" = purchaser ] || return 0
    case $1/$adopted/$holder/$names in
        *-key.json//site/*) return 1 ;;
        *-key.json//"$holder/"*"$newline$signed_by $holder$newline"*) ;;
        *) return 1 ;;
    esac
    case $step/$names in
        created/* | replaced/* | */*"$newline$fingerprint $holder$newline"*) ;;
        *) return 1 ;;
    esac
}

# The keys of a trust entry's people.
take_people() {
    saved=$IFS
    IFS=$newline
    for line in $people; do
        whose=${line%%,*} && line=${line#*,}
        blob=${line%%,*} && person=${line#*,}
        case $prints in
            *"$newline$blob="*) ;;
            *) told=$(printf '%s\n' "$blob" | ssh-keygen -l -E sha256 -f - 2>/dev/null) || continue
               told=${told#* } && prints="$prints$blob=${told%% *}$newline" ;;
        esac
        told=${prints#*"$newline$blob="}
        told=${told%%"$newline"*}
        case " $keys $lost" in *" $told,$whose,"* | *" $told,"[0-9]*) continue ;; esac
        keys="$keys $told,$whose,$moment,$open" names="$names$told $person$newline"
    done
    IFS=$saved
}

tell() {
    problems="$problems$*$newline"
}

# A key entry of somebody who may tell of keys, as may_tell() left it in $who: PATH NUMBER
take_key() {
    proven=no
    if is_own "$signed_by" || [ -z "$site_key$uprooted" ]; then
        proven=yes
    elif [ -n "$who" ] && [ "$who" != purchaser ]; then
        case $unproven in *" $signed_by "*) ;; *) proven=yes ;; esac
    fi
    # Only what came before it can be vouched for, and only by who was believed before.
    case $proven$adopted in
        no* | yes | yes*[!0-9]*) ;;
        *) if [ "$adopted" -lt "$2" ]; then
               vouchers="$vouchers $adopted:$adopted_hash "
               [ "$adopted" -le "$vouched_until" ] || vouched_until=$adopted
           else
               tell "$1: vouches for entry $adopted, which does not come before it"
           fi ;;
    esac
    case $step in
        created | replaced) [ "$holder" != site ] || begin_key "$1" "$2" ;;
        lost | revoked) told_moment=$moment
            [ "$since" = null ] || moment_of "$since"
            [ "$moment" -le "$told_moment" ] || moment=$told_moment
            close_key "$fingerprint" "$moment" "$2"
            loss_of "$fingerprint" && [ "$lost_since" -le "$moment" ] || lost=" $fingerprint,$moment,$2$lost" ;;
        *) tell "$1: there is no step $step" ;;
    esac
}

begin_key() {
    first=0
    if [ -n "$site_key$uprooted" ]; then
        first=$moment
        is_own "$fingerprint" || [ "$proven" = yes ] || unproven="$unproven $fingerprint "
        [ -n "$who" ] || is_own "$fingerprint" || tell "$1: the site's new key $fingerprint is vouched for by no key that was known before; if the site told it to you by other means: sh verify.sh $fingerprint"
    fi
    [ -z "$site_key" ] || close_key "$site_key" "$moment" "$2"
    ! loss_of "$fingerprint" || { tell "$1: the key $fingerprint was given up before, and is not believed again" && return; }
    first_key=${first_key:-$fingerprint} site_key=$fingerprint keys="$keys $fingerprint,site,$first,$open"
}

# Takes the key and trust entries that were not refused, in the ledger's order; refuses more of them, in $further.
fold() {
    keys='' lost=' ' names=$newline unproven='' site_key='' first_key='' uprooted='' problems='' further='' taken=''
    vouchers='' vouched_until=0 root=''
    for path in "$@"; do
        case $path in *-key.json | *-trust.json) [ -f "$path" ] || continue ;; *) continue ;; esac
        read_entry "$path"
        signer_of "$path" || continue
        number_of "$path"
        case $number$path in
            [1-9]*"ledger/$(printf %03d $((number / 1000)))/$(printf %06d "$number")"-[kt][er]*) ;;
            *) tell "$path: lies where no entry of its name belongs" && continue ;;
        esac
        if [ -z "$root" ] && brings_itself "$path"; then
            root=$path
            case $refused in *" $path "*) uprooted=yes ;; esac
        fi
        case $refused in *" $path "*) continue ;; esac
        if may_tell "$path" "$number"; then
            taken="$taken $path,$signed_by,$moment,$number"
            case $path in *-key.json) take_key "$path" "$number" ;; *) take_people ;; esac
        else
            further="$further$path "
        fi
    done
    # A loss is told late: what the key signed since then is taken back.
    for one in $taken; do
        number=${one##*,} && one=${one%,*} && moment=${one##*,} && one=${one%,*}
        if loss_of "${one#*,}" && [ "$moment" -ge "$lost_since" ] && [ "$number" != "$lost_by" ]; then
            further="$further${one%%,*} "
        fi
    done
    refused="$refused$further"
}

set +f
set -- ledger/*/*-[kt][er]*.json
set -f
further=anew
while [ -n "$further" ]; do fold "$@"; done
saved=$IFS
IFS=$newline
for line in $problems; do finding "$line"; done
IFS=$saved

[ -n "$first_key" ] || { finding "ledger: no entry is signed with a key that an entry tells of" && finish; }
if [ -n "$pack_key" ] && ! { believed "$pack_key" "${open%,*}" "${open#*,}" && [ "$who" = site ]; }; then
    finding "SHA256SUMS: is signed with $pack_key, which no entry makes the site's key, or which was given up"
fi
for word in $own; do
    is_of_site "$word" || finding "$word: no entry makes it the site's key"
done
case $own in
    '' | *" $first_key "*) ;;
    *" ${pack_key:-none} "*) ;;
    *) finding "ledger: begins with the key $first_key, and no key that you gave signed this pack" ;;
esac

# -- the ledger, entry by entry -----------------------------------------------------------------------------

# Only from here on is what entries name followed: each mention once, in the order of LEFT-OUT.txt.
found='' answers='' looked=0 latest=0 following=yes
chapter=0
while shelf=ledger/$(printf %03d "$chapter") && [ -d "$shelf" ]; do
    set +f
    set -- "$shelf"/*.json
    set -f
    # shellcheck disable=SC2046 # a hash and a name, neither with blanks
    set -- $(sha256sum "$@" 2>/dev/null)
    while [ $# -ge 2 ]; do
        hash=$1 path=${2#\*}
        shift 2
        entries=$((entries + 1)) looked=$((looked + 1))
        case $path in
            "$shelf/$(printf %06d "$entries")"-*) ;;
            *) finding "$path: where entry $entries is due" && number_of "$path" && entries=$number ;;
        esac
        read_entry "$path"
        case $path in *[0-9]-"$kind.json") ;; *) finding "$path: says that it is of kind $kind" ;; esac
        [ "$previous" = "$last" ] || finding "$path: does not follow on the entry before it, whose hash is $last"
        if [ "$moment" = "$never" ]; then
            finding "$path: has no time: $time"
        elif [ "$moment" -lt "$latest" ]; then
            finding "$path: its time $time lies before that of an entry before it"
        else
            latest=$moment
        fi
        check_signature "$path"
        check_vouchers "$path" "$hash"
        case $path in *-run.json) check_run "$run" "$manifest" "$path" ;; esac
        check_heads "$path" "$hash"
        last=$hash
        [ $((entries % 50)) != 0 ] || progress "entry $entries ..."
    done
    chapter=$((chapter + 1))
done
check_claims
set +f
set -- ledger/*/*.json
set -f
[ $# = "$looked" ] || finding "ledger: has $# files of entries, but only $looked of them follow each other"
[ "$signed" -gt 0 ] || finding "ledger: no entry is signed"
[ -z "$pending" ] || finding "LEFT-OUT.txt: lists $pending, which no entry names there"
for head in $heads; do
    case $found in *" $head "*) ;; *) finding "ledger: has no entry ${head%%:*}" ;; esac
done

# -- what came of it ----------------------------------------------------------------------------------------

[ ! -t 2 ] || printf '\r' >&2
printf '%s' "$answers"
echo "$listed files as listed; $entries entries, $signed of them signed"
[ "$vouched" = 0 ] || echo "$vouched entries up to $vouched_until have no valid signature of their own; a later key entry vouches for them"
[ "$by_purchaser" = 0 ] || echo "signed with keys of the purchaser's people: $by_purchaser"
[ "$left_out" = 0 ] || echo "named by entries and not in this pack: $left_out, see LEFT-OUT.txt"
[ "$dated" = yes ] || echo "this OpenSSH knows no dates of keys: signatures were checked, not the days of people's duty"
echo "newest entry: $entries:$last"
echo "signed with the site's key: ${pack_key:-unknown}"
echo "the first key of the site, on which all rests: $first_key"
told=" $first_key $pack_key "
for known in $keys; do
    case $known in *,site,*) known=${known%%,*} ;; *) continue ;; esac
    case $told in *" $known "*) ;; *) echo "another key of the site, in its own time: $known" && told="$told$known " ;; esac
done
finish
