//! Who made a model, and which model it is, read off the names that gateways give it.
//!
//! The last part of a path names the model: what stands before it is a gateway, a region, a folder or
//! the maker. A name that tells nothing (a deployment called `team-a`, a router that picks by itself)
//! has no vendor here, and guessing one would let a model judge its own work.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Makers, and how the names of their models begin. `#` is any digit. A model's weights are their
/// maker's, whoever's model they were distilled from or trained on: of several in one name the first
/// counts, see [`ANYWHERE`] for the rest.
const FAMILIES: &[(&str, &str)] = &[
    ("anthropic", "claude sonnet opus haiku"),
    ("openai", "gpt chatgpt codex davinci babbage computer-use-preview o1 o3 o4"),
    ("google", "gemini gemma codegemma medgemma learnlm text-bison chat-bison code-bison text-unicorn medlm"),
    ("alibaba", "qwen qwq qvq tongyi codeqwen"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral mixtral ministral codestral devstral magistral pixtral voxtral mathstral"),
    ("meta", "llama codellama muse-spark muse-glimmer muse-wonder"),
    ("xai", "grok"),
    ("moonshot", "kimi moonshot-v#"),
    ("zhipu", "glm chatglm codegeex"),
    ("minimax", "minimax abab#"),
    ("cohere", "command-r command-a command-light command-nightly command-plus command-text aya"),
    ("amazon", "nova-pro nova-lite nova-micro nova-premier nova-# titan-text titan-tg#"),
    ("microsoft", "phi-# phi# wizardlm wizardcoder mai-ds mai-code mai-thinking"),
    ("cursor", "composer-#"),
    ("cognition", "swe-#"),
    ("ai21", "jamba j2-"),
    ("ibm", "granite"),
    ("writer", "palmyra"),
    ("perplexity", "sonar pplx r1-1776"),
    ("inception", "mercury-# mercury-coder mercury-edit"),
    ("baidu", "ernie"),
    ("tencent", "hunyuan hy#"),
    ("bytedance", "doubao seed-# seed-oss seed-coder"),
    ("xiaomi", "mimo-v#"),
    ("meituan", "longcat"),
    ("thinkingmachines", "inkling"),
    ("kwaipilot", "kat-coder kat-dev"),
    ("stepfun", "step-#"),
    ("01ai", "yi-# yi-large yi-lightning"),
    ("shanghai-ai-lab", "internlm internvl"),
    ("baichuan", "baichuan"),
    ("databricks", "dbrx"),
    ("snowflake", "snowflake-arctic"),
    ("reka", "reka-"),
    ("liquid", "lfm-# lfm#"),
    ("upstage", "solar-# solar-pro solar-mini"),
    ("lg", "exaone"),
    ("tii", "falcon-#"),
    ("bigcode", "starcoder starchat"),
    ("allenai", "olmo"),
    ("swiss-ai", "apertus"),
    ("sber", "gigachat"),
    ("vercel", "v0-#"),
    ("morph", "morph-v#"),
    ("eleutherai", "gpt-j gpt-neo gpt-neox"),
    ("nomic", "gpt4all"),
];

/// The maker of what a name begins with, where that is a tool's or a family's whole name: `claude`, `codex cli`.
pub fn maker_of(name: &str) -> Option<&'static str> {
    // Each record that is read names several vendors.
    static MAKERS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        let of = |(maker, families): &(&'static str, &'static str)| {
            families.split(' ').map(|family| (family, *maker)).collect::<Vec<_>>()
        };
        // Of several makers the first counts.
        FAMILIES.iter().rev().flat_map(of).collect()
    });
    let word = name.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    MAKERS.get(word).copied()
}

/// Makers whose names for their own training of other makers' models follow those models' names.
const ANYWHERE: &[(&str, &str)] = &[
    ("nvidia", "nemotron openreasoning"),
    ("nous", "hermes deephermes openhermes"),
    ("allenai", "tulu"),
    ("cognitivecomputations", "dolphin"),
    ("deepcogito", "cogito"),
    ("perplexity", "sonar r1-1776"),
];

/// Folders and prefixes that are a maker's own: `x-ai/…`, `amazon.…`, `publishers/google/…`. Not
/// `openai`: by custom that is also the name for whatever speaks its protocol.
const FOLDERS: &[(&str, &str)] = &[
    ("anthropic", "anthropic"),
    ("google", "google gemini"),
    ("alibaba", "qwen"),
    ("deepseek", "deepseek deepseek-ai"),
    ("mistral", "mistral mistralai"),
    ("meta", "meta meta-llama meta-models"),
    ("xai", "xai x-ai"),
    ("moonshot", "moonshot moonshotai"),
    ("zhipu", "zai z-ai zai-org thudm"),
    ("minimax", "minimax minimaxai"),
    ("cohere", "cohere cohereforai"),
    ("amazon", "amazon"),
    ("microsoft", "microsoft"),
    ("nvidia", "nvidia"),
    ("ai21", "ai21"),
    ("ibm", "ibm-granite"),
    ("writer", "writer"),
    ("nous", "nousresearch"),
    ("allenai", "allenai"),
    ("baidu", "baidu"),
    ("tencent", "tencent"),
    ("bytedance", "bytedance bytedance-seed"),
    ("xiaomi", "xiaomimimo"),
    ("stepfun", "stepfun-ai"),
    ("inception", "inception"),
    ("cognition", "cognition"),
    ("reka", "rekaai"),
    ("arcee", "arcee-ai"),
    ("thinkingmachines", "thinkingmachines"),
];

/// What gateways add to a model's name to choose how it is served, not which model it is.
const SERVED: &[&str] = &[
    "latest", "free", "beta", "extended", "thinking", "nitro", "floor", "online", "exacto", "preview", "exp",
    "maas", "cloud", "think", "1m",
];

/// All makers that are known by name, some several times.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().chain(ANYWHERE).chain(FOLDERS).map(|(maker, _)| *maker)
}

/// Who made the model of that name, as far as the name tells.
pub(super) fn from_model_name(model: &str) -> Option<&'static str> {
    let model = model.trim().to_lowercase();
    let (name, folders) = parts(&model);
    if let Some((_, maker)) = family(&plain(name)) {
        return Some(maker);
    }
    // Only then who it is by: the name is nearer to the model than a gateway's folders are.
    let by_folder = |part: &str| {
        let found = FOLDERS.iter().find(|(_, folders)| folders.split(' ').any(|folder| folder == part));
        found.map(|(maker, _)| *maker)
    };
    let dotted = name.split('.').rev().skip(1).find_map(by_folder);
    dotted.or_else(|| folders.split('/').rev().flat_map(|folder| folder.split('.').rev()).find_map(by_folder))
}

/// Which model that is, the same for all the names that gateways have for one: without folders, dates,
/// revisions and ways of serving.
pub(super) fn model_key(model: &str) -> String {
    let model = model.trim().to_lowercase();
    let (name, _) = parts(&model);
    let tag = model.rsplit('/').next().and_then(|last| last.split_once(':')).map_or("", |(_, tag)| tag);
    let is_revision = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit());
    let mut plain = plain(name);
    if let Some((at, _)) = family(&plain) {
        plain.drain(..at);
    }
    if !model.starts_with("ft:") && !is_revision && !SERVED.contains(&tag) && !tag.is_empty() {
        plain.push('-');
        plain.push_str(&self::plain(tag));
    }
    // Bedrock's `-v1:0`, or what is left of it elsewhere.
    let ends_in_revision = |plain: &str| {
        let last = plain.rsplit('-').next().unwrap_or_default();
        last == "v1" || is_revision && last.trim_start_matches('v').bytes().all(|byte| byte.is_ascii_digit())
    };
    if let Some((rest, _)) = plain.rsplit_once('-').filter(|_| ends_in_revision(&plain)) {
        plain.truncate(rest.len());
    }
    let mut words = words(&plain);
    words.retain(|word| !SERVED.contains(&word.as_str()));
    undate(&mut words);
    // `claude-3-5-sonnet` and `claude-sonnet-3.5`: the order of the numbers matters, that of the words not.
    let (numbers, mut letters): (Vec<String>, Vec<String>) =
        words.into_iter().partition(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    letters.sort();
    letters.extend(numbers);
    letters.join("-")
}

/// A model's own name without folders, versions, tags and revisions; and the folders before it.
fn parts(model: &str) -> (&str, &str) {
    // `ft:gpt-4o:org::id`: what was trained on, then who and which.
    let model = model.strip_prefix("ft:").unwrap_or(model);
    let model = model.rsplit_once("/versions/").map_or(model, |(model, _)| model);
    let (folders, name) = model.rsplit_once('/').unwrap_or(("", model));
    (name.split([':', '@']).next().unwrap_or(name), folders)
}

/// The name with one mark between its words.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect()
}

/// Where in a plain name its family begins, and who makes it.
fn family(plain: &str) -> Option<(usize, &'static str)> {
    let starts = || {
        let inner = plain.match_indices('-').map(|(at, _)| at + 1);
        std::iter::once(0).chain(inner)
    };
    let best = |table: &[(&'static str, &str)], at: usize| {
        let all = table.iter().flat_map(|(maker, names)| names.split(' ').map(move |name| (name, *maker)));
        let fitting = all.filter(|(name, _)| fits(&plain[at..], name));
        fitting.max_by_key(|(name, _)| name.len()).map(|(_, maker)| (at, maker))
    };
    starts().find_map(|at| best(ANYWHERE, at)).or_else(|| starts().find_map(|at| best(FAMILIES, at)))
}

/// Whether a text begins with that pattern, and not in the middle of a longer word or number.
fn fits(text: &str, pattern: &str) -> bool {
    let mut rest = text.chars();
    for wanted in pattern.chars() {
        match (wanted, rest.next()) {
            ('#', Some(c)) if c.is_ascii_digit() => {}
            (wanted, Some(c)) if wanted == c && wanted != '#' => {}
            _ => return false,
        }
    }
    match (pattern.chars().next_back(), rest.next()) {
        (Some('#' | '-'), _) | (_, None) => true,
        (Some(last), Some(next)) => !(next.is_alphabetic() || last.is_ascii_digit() && next.is_ascii_digit()),
        (None, _) => false,
    }
}

/// The words of a plain name; digits that follow letters are words of their own, `v` and `p` of
/// versions (`v3p1`) are none.
fn words(plain: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in plain.split('-').filter(|word| !word.is_empty()) {
        let letters = word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len());
        let (name, number) = word.split_at(letters);
        let version = number.split_once('p').filter(|(a, b)| {
            [a, b].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        });
        match (name, version) {
            ("" | "v", Some((major, minor))) => words.extend([major.to_owned(), minor.to_owned()]),
            ("v", None) if !number.is_empty() => words.push(number.to_owned()),
            (name, Some((major, minor))) => {
                words.extend([name.to_owned(), major.to_owned(), minor.to_owned()]);
            }
            ("" | "o", None) => words.push(word.to_owned()),
            (name, None) if number.is_empty() => words.push(name.to_owned()),
            (name, None) => words.extend([name.to_owned(), number.to_owned()]),
        }
    }
    words
}

/// Removes dates: `20250929`, `2024-08-06`.
fn undate(words: &mut Vec<String>) {
    let is_number =
        |word: &String, digits: usize| word.len() == digits && word.bytes().all(|byte| byte.is_ascii_digit());
    words.retain(|word| !(is_number(word, 8) && word.starts_with("20")));
    let date = words.windows(3).position(|three| {
        is_number(&three[0], 4)
            && three[0].starts_with("20")
            && is_number(&three[1], 2)
            && is_number(&three[2], 2)
    });
    if let Some(at) = date {
        words.drain(at..at + 3);
    }
}

#[cfg(test)]
mod tests {
    use super::{from_model_name, model_key};

    #[test]
    fn the_maker_is_read_off_the_names_that_gateways_really_use() {
        for (maker, models) in [
            (
                "anthropic",
                "claude-sonnet-4-5 sonnet openrouter/anthropic/claude-opus-4 us.anthropic.claude-3-7-sonnet-20250219-v1:0 \
                 arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0 \
                 arn:aws:bedrock:us-east-2::foundation-model/anthropic.claude-opus-4-6-v1 \
                 bedrock/eu.anthropic.claude-haiku-4-5-20251001-v1:0 claude-opus-4-1@20250805 \
                 projects/p/locations/global/publishers/anthropic/models/claude-opus-4-1@20250805 \
                 databricks/databricks-claude-sonnet-4 gradient_ai/anthropic-claude-3-opus github_copilot/claude-opus-4.8 \
                 vercel_ai_gateway/anthropic/claude-3-haiku claude-opus-4-1[1m]",
            ),
            (
                "openai",
                "gpt-4.1 gpt-35-turbo azure/eu/gpt-4o-2024-08-06 openai/gpt-5-codex chatgpt-4o-latest codex-mini-latest o3-mini \
                 azure/o1-preview gradient_ai/openai-o3 github/gpt-4o openrouter/openai/o4-mini-high ollama/gpt-oss:20b \
                 bedrock/openai.gpt-oss-120b-1:0 ft:gpt-4o:my-gemini-team::abc123 ft:gpt-4o-2024-08-06:org:suffix:id \
                 azureml://registries/azure-openai/models/gpt-4.1/versions/2 azure/computer-use-preview GPT-5.1-Codex",
            ),
            (
                "google",
                "gemini-2.5-pro vertex_ai/gemini-2.0-flash models/gemini-2.5-flash google/gemma-3-27b-it:free gemma3n:e4b \
                 projects/p/locations/us-central1/publishers/google/models/gemini-2.5-pro text-bison@002",
            ),
            (
                "alibaba",
                "ollama/qwen3-coder:30b qwen/qwq-32b qwen2.5-coder hf.co/unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M \
                 dashscope/qwen-max fireworks_ai/accounts/fireworks/models/qwen2p5-72b",
            ),
            (
                "deepseek",
                "deepseek/deepseek-chat deepseek.v3-v1:0 us.deepseek.r1-v1:0 deepseek-r1-distill-llama-70b \
                 deepseek/deepseek-r1-0528-qwen3-8b dashscope/deepseek-v3 azure_ai/FW-DeepSeek-V3.2",
            ),
            (
                "meta",
                "meta.llama3-1-405b-instruct-v1:0 meta-llama/Llama-4-Maverick Meta-Llama-3.1-8B-Instruct @cf/meta/llama-2-7b-chat-fp16 \
                 groq/llama-3.3-70b-versatile codellama:34b replicate/meta/llama-2-70b-chat",
            ),
            (
                "mistral",
                "mistral/mistral-large-latest mistralai/devstral-small-2505 codestral-2501 mixtral-8x7b mistral.mixtral-8x7b-instruct-v0:1 ministral-8b",
            ),
            ("xai", "xai/grok-4 x-ai/grok-code-fast-1 azure_ai/grok-3"),
            ("moonshot", "moonshotai/kimi-k2 kimi-k2-thinking moonshot/moonshot-v1-8k"),
            ("zhipu", "z-ai/glm-4.6 zai-org/GLM-4.5-Air glm-4.7 thudm/glm-4-32b mistral/zai-glm-5"),
            ("minimax", "minimax/minimax-m2 MiniMaxAI/MiniMax-M1-80k"),
            (
                "amazon",
                "amazon.nova-pro-v1:0 amazon/nova-lite-v1 us.amazon.nova-premier-v1:0 amazon.titan-text-lite-v1",
            ),
            (
                "amazon",
                "arn:aws:bedrock:us-east-1:111122223333:custom-model/amazon.titan-text-lite-v1:0:4k/abcd1234",
            ),
            ("cohere", "command-r-plus cohere/command-a cohere.command-text-v14 command-nightly"),
            ("microsoft", "phi-4 ollama/phi3:mini microsoft/mai-ds-r1 microsoft/wizardlm-2-8x22b"),
            ("nvidia", "nvidia/llama-3.1-nemotron-ultra-253b-v1:free nvidia.nemotron-nano-9b-v2"),
            ("nous", "nousresearch/hermes-3-llama-3.1-405b nous-hermes-2-mixtral-8x7b-dpo"),
            ("perplexity", "perplexity/sonar-pro perplexity/r1-1776"),
            ("cursor", "composer-1 cursor/composer-1.5"),
            ("cognition", "cognition/swe-1.6"),
            ("eleutherai", "gpt-j-6b gpt-neox-20b"),
        ] {
            for model in models.split_whitespace() {
                assert_eq!(from_model_name(model), Some(maker), "{model}");
            }
        }
    }

    #[test]
    fn a_name_that_tells_nothing_has_no_maker() {
        for model in [
            "",
            "auto",
            "default",
            "Copilot",
            "copilot:gpt-5",
            "openrouter/auto",
            "azure/team-a",
            "azure/model-router",
            "azure/phi-team",
            "openai/our-llm",
            "perplexity/preset/pro-search",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/o1k2x8o3ab4c",
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123",
            "our-finetune",
            "phishing-model",
            "novation",
            "commander",
            "gptish",
            "scripted",
        ] {
            assert_eq!(from_model_name(model), None, "{model}");
        }
    }

    #[test]
    fn one_model_through_many_gateways_is_one_model() {
        for models in [
            "claude-sonnet-4-5 claude-sonnet-4-5-20250929 us.anthropic.claude-sonnet-4-5-20250929-v1:0 \
             openrouter/anthropic/claude-sonnet-4.5:thinking vertex_ai/claude-sonnet-4-5@20250929 anthropic/claude-4.5-sonnet \
             databricks/databricks-claude-sonnet-4-5 \
             arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-opus-4-6-v1 claude-opus-4-6 claude-opus-4-6[1m]",
            "gpt-4o azure/eu/gpt-4o-2024-08-06 ft:gpt-4o:org::id gpt-4o:extended github/GPT-4o",
            "gemini-1.5-flash google/gemini-flash-1.5",
            "meta-llama/Llama-3.1-405B-Instruct fireworks_ai/accounts/fireworks/models/llama-v3p1-405b-instruct",
            "deepseek/deepseek-v3 deepseek.v3-v1:0",
            "amazon.nova-pro-v1:0 amazon/nova-pro-v1",
            "qwen3-coder:30b qwen/qwen3-coder-30b",
        ] {
            let keys: Vec<String> = models.split_whitespace().map(model_key).collect();
            assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
        }
        for (one, two) in [
            ("gpt-5", "gpt-5-mini"),
            ("gpt-4.5", "gpt-5.4"),
            ("claude-sonnet-4", "claude-sonnet-4-5"),
            ("claude-opus-4-1", "claude-sonnet-4-1"),
            ("deepseek-v3", "deepseek-r1"),
            ("qwen3-coder:30b", "qwen3-coder:480b"),
            ("o3", "o3-mini"),
        ] {
            assert_ne!(model_key(one), model_key(two), "{one} {two}");
        }
    }
}
