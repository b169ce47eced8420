// Where things are on the page, as the tests look for them.

export const stage = (page, name) => page.locator(`[data-kind="stage"][data-name="${name}"]`);
export const card = (page, version) => page.locator(`[data-nav="freight"]`, { hasText: version }).first();
export const has = (page, name, text) => stage(page, name).filter({ hasText: text }).first().waitFor({ timeout: 8_000 });
export const onBoard = (page) => stage(page, "prod-us").waitFor();
