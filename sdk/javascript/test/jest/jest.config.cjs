module.exports = { testEnvironment: "node", testMatch: ["**/*.test.cjs"], moduleFileExtensions: ["cjs", "js", "json"], transform: {} };
